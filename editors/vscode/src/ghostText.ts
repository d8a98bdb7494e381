import * as vscode from 'vscode';
import type { Middleware } from 'vscode-languageclient';
import type { Client } from './client';
import { settingsFor, suggestsIn } from './settings';
import type { Status } from './status';

const HIDE = 'editor.action.inlineSuggest.hide';
/** Asks again and goes on to what is new; asked to trigger only, VS Code keeps what it shows. */
const NEXT = 'editor.action.inlineSuggest.showNext';

interface Offered {
  item: vscode.InlineCompletionItem;
  document: vscode.TextDocument;
}

interface Longer {
  textDocument: { uri: string; version: number };
}

/** What was offered last, and what the user does with it. */
export class GhostText {
  readonly middleware: Middleware = {
    provideInlineCompletionItems: (document, position, context, token, next) => {
      const suggests = suggestsIn(settingsFor(document), document.languageId);
      if (this.status.paused || !suggests) return [];
      return this.status.during(this.offer(document, next(document, position, context, token)));
    },
  };
  private offered: Offered | undefined;
  private client: Client | undefined;

  constructor(private readonly status: Status) {}

  serve(client: Client): void {
    this.client = client;
    client.on('copilotd/longerCompletion', (longer: Longer) => this.grow(longer));
  }

  /** VS Code tells an extension nothing of partial acceptance, so it is measured around its command. */
  async acceptPart(command: string): Promise<void> {
    const offered = this.offered;
    const before = cursor(offered?.document);
    await vscode.commands.executeCommand(command);
    const after = cursor(offered?.document);
    if (!offered?.item.range || before === undefined || after === undefined) return;
    if (after <= before) return;
    this.client?.notify('textDocument/didPartiallyAcceptCompletion', {
      item: wire(offered.item),
      acceptedLength: after - offered.document.offsetAt(offered.item.range.start),
    });
  }

  /** Hide it, and keep it hidden. */
  async dismiss(): Promise<void> {
    const id = this.offered?.item.command?.arguments?.[0];
    this.offered = undefined;
    await vscode.commands.executeCommand(HIDE);
    if (typeof id === 'string') await this.client?.execute('copilotd.reject', id);
  }

  private async offer(
    document: vscode.TextDocument,
    answer: vscode.ProviderResult<vscode.InlineCompletionItem[] | vscode.InlineCompletionList>,
  ): Promise<vscode.InlineCompletionItem[]> {
    const list = (await answer) ?? [];
    const items = Array.isArray(list) ? list : list.items;
    const [item] = items;
    this.offered = item && { item, document };
    // What is handed to VS Code counts as drawn: its stable API does not say when it is.
    if (item) this.client?.notify('textDocument/didShowCompletion', { item: wire(item) });
    return items;
  }

  private grow({ textDocument: { uri, version } }: Longer): void {
    const document = this.offered?.document;
    if (document?.uri.toString() !== uri || document.version !== version) return;
    if (vscode.window.activeTextEditor?.document === document) {
      void vscode.commands.executeCommand(NEXT);
    }
  }
}

function cursor(document: vscode.TextDocument | undefined): number | undefined {
  const editor = vscode.window.activeTextEditor;
  return editor && editor.document === document
    ? document.offsetAt(editor.selection.active)
    : undefined;
}

function wire(item: vscode.InlineCompletionItem): object {
  const text = typeof item.insertText === 'string' ? item.insertText : item.insertText.value;
  // A range of VS Code's turns into a list by itself, which is not how the protocol writes it.
  const range = item.range && { start: item.range.start, end: item.range.end };
  return { insertText: text, range, command: item.command };
}
