import * as vscode from 'vscode';
import { formatError } from '../errors';
import { Proposal } from './proposal';

const SCHEME = 'copilotd-edit';
const CONTEXT_KEY = 'copilotd.proposal';

/** The open proposals. Each is shown as a diff against its file. */
export class Proposals implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly open = new Map<string, Proposal>();
  private readonly disposables: vscode.Disposable[];

  constructor() {
    this.disposables = [
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      // Tabs, not documents: VS Code also closes and reopens a document to set its language.
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
        for (const tab of closed) this.discard(tab);
        this.updateContextKey();
      }),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.open.get(uri.toString())?.renderFile() ?? '';
  }

  /** Show a diff whose new text is already known. */
  async show(document: vscode.TextDocument, range: vscode.Range, newText: string): Promise<void> {
    const proposal = await this.begin(document, range);
    proposal.complete(range, newText);
    this.draw(proposal);
  }

  /** Show a diff whose new text will be streamed. */
  async begin(document: vscode.TextDocument, range: vscode.Range): Promise<Proposal> {
    const path = document.uri.path;
    const uri = vscode.Uri.from({ scheme: SCHEME, path, query: String(Date.now()) });
    const proposal = new Proposal(uri, document, range);
    this.open.set(uri.toString(), proposal);
    const title = `${path.split('/').pop()}: edit by copilotd`;
    await vscode.commands.executeCommand('vscode.diff', document.uri, uri, title);
    this.updateContextKey();
    return proposal;
  }

  draw(proposal: Proposal): void {
    this.changed.fire(proposal.uri);
  }

  /** Apply the proposal in the active tab to its file. */
  async accept(): Promise<void> {
    const proposal = this.getActive();
    if (!proposal) return;
    try {
      await proposal.apply();
    } catch (error) {
      return void vscode.window.showWarningMessage(formatError(error));
    }
    await this.close(proposal);
    await vscode.window.showTextDocument(proposal.document);
  }

  async reject(): Promise<void> {
    const proposal = this.getActive();
    if (proposal) await this.close(proposal);
  }

  async close(proposal: Proposal): Promise<void> {
    proposal.cancel();
    const tab = listTabs().find((tab) => getUri(tab)?.toString() === proposal.uri.toString());
    if (tab) await vscode.window.tabGroups.close(tab);
    this.open.delete(proposal.uri.toString());
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private getActive(): Proposal | undefined {
    const uri = getUri(vscode.window.tabGroups.activeTabGroup.activeTab);
    return uri && this.open.get(uri.toString());
  }

  private updateContextKey(): void {
    const isActive = this.getActive() !== undefined;
    void vscode.commands.executeCommand('setContext', CONTEXT_KEY, isActive);
  }

  private discard(tab: vscode.Tab): void {
    const uri = getUri(tab)?.toString() ?? '';
    this.open.get(uri)?.cancel();
    this.open.delete(uri);
  }
}

function listTabs(): vscode.Tab[] {
  return vscode.window.tabGroups.all.flatMap((group) => group.tabs);
}

/** The URI of the new side, if the tab is a diff editor. */
function getUri(tab: vscode.Tab | undefined): vscode.Uri | undefined {
  return tab?.input instanceof vscode.TabInputTextDiff ? tab.input.modified : undefined;
}
