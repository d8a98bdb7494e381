import * as vscode from 'vscode';
import type { Middleware } from 'vscode-languageclient';
import type { Client } from './client';
import { readSettings } from './configuration';
import { hasSingleCursor } from './places';
import type { LongerCompletion } from './protocol';
import { isEnabledFor } from './settings';
import type { StatusBar } from './statusBar';

const HIDE = 'editor.action.inlineSuggest.hide';
/** Requests again and shows the new item. After the trigger command VS Code keeps the old item. */
const SHOW_NEXT = 'editor.action.inlineSuggest.showNext';

interface OfferedItem {
  item: vscode.InlineCompletionItem;
  document: vscode.TextDocument;
}

/** Passes the server's ghost text to VS Code, and reports what the user does with it. */
export class GhostText {
  readonly middleware: Middleware = {
    provideInlineCompletionItems: (document, position, context, token, next) => {
      const isEnabled = isEnabledFor(readSettings(document), document.languageId);
      if (this.statusBar.isPaused || !isEnabled) return [];
      if (!hasSingleCursor(document, vscode.window.activeTextEditor)) return [];
      const answer = next(document, position, context, token);
      return this.statusBar.showThinkingDuring(this.offerItems(document, answer));
    },
  };
  private offered: OfferedItem | undefined;
  private client: Client | undefined;

  constructor(private readonly statusBar: StatusBar) {}

  connect(client: Client): void {
    this.client = client;
    client.onNotification('copilotd/longerCompletion', (longer: LongerCompletion) =>
      this.showLonger(longer),
    );
  }

  /**
   * Accept a word or a line with VS Code's `command`, and report the accepted length. VS Code does
   * not tell extensions about partial acceptance, so the length is how far the cursor moves.
   */
  async acceptPart(command: string): Promise<void> {
    const offered = this.offered;
    const before = getCursorOffset(offered?.document);
    await vscode.commands.executeCommand(command);
    const after = getCursorOffset(offered?.document);
    if (!offered?.item.range || before === undefined || after === undefined) return;
    if (after <= before) return;
    this.client?.notify('textDocument/didPartiallyAcceptCompletion', {
      item: toProtocolItem(offered.item),
      acceptedLength: after - offered.document.offsetAt(offered.item.range.start),
    });
  }

  /** Hide the ghost text, and tell the server that the user rejected it. */
  async dismiss(): Promise<void> {
    const id = this.offered?.item.command?.arguments?.[0];
    this.offered = undefined;
    await vscode.commands.executeCommand(HIDE);
    if (typeof id === 'string') await this.client?.executeCommand('copilotd.reject', id);
  }

  private async offerItems(
    document: vscode.TextDocument,
    answer: vscode.ProviderResult<vscode.InlineCompletionItem[] | vscode.InlineCompletionList>,
  ): Promise<vscode.InlineCompletionItem[]> {
    const list = (await answer) ?? [];
    const items = Array.isArray(list) ? list : list.items;
    const [item] = items;
    this.offered = item && { item, document };
    // VS Code's stable API does not say when an item is drawn, so a returned item counts as shown.
    if (item) {
      this.client?.notify('textDocument/didShowCompletion', { item: toProtocolItem(item) });
    }
    return items;
  }

  private showLonger({ textDocument: { uri, version } }: LongerCompletion): void {
    const document = this.offered?.document;
    if (document?.uri.toString() !== uri || document.version !== version) return;
    if (vscode.window.activeTextEditor?.document === document) {
      void vscode.commands.executeCommand(SHOW_NEXT);
    }
  }
}

function getCursorOffset(document: vscode.TextDocument | undefined): number | undefined {
  const editor = vscode.window.activeTextEditor;
  return editor && editor.document === document
    ? document.offsetAt(editor.selection.active)
    : undefined;
}

function toProtocolItem(item: vscode.InlineCompletionItem): object {
  const text = typeof item.insertText === 'string' ? item.insertText : item.insertText.value;
  // VS Code serializes a Range as an array, and the protocol needs an object.
  const range = item.range && { start: item.range.start, end: item.range.end };
  return { insertText: text, range, command: item.command };
}
