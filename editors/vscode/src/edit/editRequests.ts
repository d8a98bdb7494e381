import * as vscode from 'vscode';
import type { Client } from '../client';
import { expandToLines, listDiagnostics } from '../codeSubject';
import { formatError } from '../errors';
import type { EditAnswer, EditCommand } from '../protocol';
import type { Proposal } from './proposal';
import type { Proposals } from './proposals';

const TITLES: Record<EditCommand, string> = {
  edit: 'copilotd is writing the edit',
  fix: 'copilotd is writing a fix',
  doc: 'copilotd is writing the documentation',
};

/** Requests edits of the selected lines, or of the line with the cursor. */
export class EditRequests {
  constructor(
    private readonly client: Client,
    private readonly proposals: Proposals,
  ) {}

  /** Edit by an instruction. Without one, the user is asked for it. */
  async edit(instruction?: string): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) return void vscode.window.showInformationMessage('Open a file first.');
    const given = instruction ?? (await askInstruction(editor));
    if (given?.trim()) await this.request('edit', editor.document, editor.selection, given);
  }

  /** Run a command that needs no instruction. */
  async run(command: 'fix' | 'doc', range?: vscode.Range): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) return void vscode.window.showInformationMessage('Open a file first.');
    await this.request(command, editor.document, range ?? editor.selection, '');
  }

  private async request(
    command: EditCommand,
    document: vscode.TextDocument,
    selection: vscode.Range,
    instruction: string,
  ): Promise<void> {
    const range = expandToLines(document, selection);
    const params = {
      textDocument: { uri: document.uri.toString() },
      // VS Code serializes a Range as an array, and the protocol needs an object.
      range: { start: range.start, end: range.end },
      command,
      instruction,
      diagnostics: listDiagnostics(document, range),
    };
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
    const onDelta = (delta: string) => {
      proposal.append(delta);
      this.proposals.draw(proposal);
    };
    try {
      const method = 'copilotd/edit';
      const answer = await this.client.stream<EditAnswer>(method, params, onDelta, proposal.token);
      proposal.complete(toRange(answer.range), answer.newText);
      this.proposals.draw(proposal);
      if (answer.finishReason === 'length') warnCutOff();
    } catch (error) {
      const isCancelled = proposal.token.isCancellationRequested;
      await this.proposals.close(proposal);
      if (!isCancelled) void vscode.window.showErrorMessage(`copilotd: ${formatError(error)}`);
    }
  }
}

function askInstruction(editor: vscode.TextEditor): Thenable<string | undefined> {
  const { start, end } = expandToLines(editor.document, editor.selection);
  const first = start.line + 1;
  const last = end.line + 1;
  const lines = first === last ? `line ${first}` : `lines ${first} to ${last}`;
  const prompt = `How should ${lines} change?`;
  return vscode.window.showInputBox({ prompt, placeHolder: 'e.g. handle an empty list' });
}

function toRange({ start, end }: EditAnswer['range']): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

function warnCutOff(): void {
  const message = 'copilotd: the edit was cut off at the length limit. Select fewer lines.';
  void vscode.window.showWarningMessage(message);
}
