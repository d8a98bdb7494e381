import * as vscode from 'vscode';
import { lines, reported } from '../chat/subject';
import { type Client, reason } from '../client';
import type { Proposal } from './proposal';
import type { Proposals } from './proposals';

export type EditCommand = 'edit' | 'fix' | 'doc';

interface Answer {
  range: { start: Place; end: Place };
  newText: string;
  finishReason: 'stop' | 'length';
}

interface Place {
  line: number;
  character: number;
}

const TITLES: Record<EditCommand, string> = {
  edit: 'copilotd writes the edit',
  fix: 'copilotd writes a fix',
  doc: 'copilotd writes the documentation',
};

/** Edits of the lines that are selected, or of the one with the cursor. */
export class EditRequests {
  constructor(
    private readonly client: Client,
    private readonly proposals: Proposals,
  ) {}

  /** Asks for the instruction if there is none. */
  async edit(instruction?: string): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) return void vscode.window.showInformationMessage('Open a file first.');
    const asked = instruction ?? (await ask(editor));
    if (asked?.trim()) await this.request('edit', editor.document, editor.selection, asked);
  }

  async command(command: 'fix' | 'doc', range?: vscode.Range): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) return void vscode.window.showInformationMessage('Open a file first.');
    await this.request(command, editor.document, range ?? editor.selection, '');
  }

  private async request(
    command: EditCommand,
    document: vscode.TextDocument,
    wanted: vscode.Range,
    instruction: string,
  ): Promise<void> {
    const range = lines(document, wanted);
    const diagnostics = reported(document, range);
    const params = { ...where(document, range), command, instruction, diagnostics };
    const proposal = await this.proposals.begin(document, range);
    const location = vscode.ProgressLocation.Notification;
    const options = { location, title: TITLES[command], cancellable: true };
    await vscode.window.withProgress(options, async (_, token) => {
      const stop = token.onCancellationRequested(() => proposal.cancel());
      await this.stream(proposal, params);
      stop.dispose();
    });
  }

  private async stream(proposal: Proposal, params: object): Promise<void> {
    const heard = (piece: string) => {
      proposal.add(piece);
      this.proposals.draw(proposal);
    };
    try {
      const answer = await this.client.ask<Answer>('copilotd/edit', params, heard, proposal.token);
      proposal.set(toRange(answer.range), answer.newText);
      this.proposals.draw(proposal);
      if (answer.finishReason === 'length') cutOff();
    } catch (error) {
      const wanted = !proposal.token.isCancellationRequested;
      await this.proposals.close(proposal);
      if (wanted) void vscode.window.showErrorMessage(`copilotd: ${reason(error)}`);
    }
  }
}

function ask(editor: vscode.TextEditor): Thenable<string | undefined> {
  const { start, end } = lines(editor.document, editor.selection);
  const first = start.line + 1;
  const last = end.line + 1;
  const named = first === last ? `line ${first}` : `lines ${first} to ${last}`;
  const prompt = `What shall become of ${named}?`;
  return vscode.window.showInputBox({ prompt, placeHolder: 'e.g. handle an empty list' });
}

function where(document: vscode.TextDocument, { start, end }: vscode.Range): object {
  return { textDocument: { uri: document.uri.toString() }, range: { start, end } };
}

function toRange({ start, end }: Answer['range']): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

function cutOff(): void {
  const said = 'copilotd: the edit was cut off at the limit of its length. Select less.';
  void vscode.window.showWarningMessage(said);
}
