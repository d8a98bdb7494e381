import * as vscode from 'vscode';
import { reason } from '../client';
import { Proposal } from './proposal';

const SCHEME = 'copilotd-edit';
const ACTIVE = 'copilotd.proposal';

/** Edits that wait for the user's word, each shown as a difference to its file. */
export class Proposals implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly open = new Map<string, Proposal>();
  private readonly registered: vscode.Disposable[];

  constructor() {
    this.registered = [
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
        for (const tab of closed) this.drop(tab);
        this.mark();
      }),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.open.get(uri.toString())?.text() ?? '';
  }

  /** A difference whose new lines are known. */
  async show(document: vscode.TextDocument, range: vscode.Range, text: string): Promise<void> {
    const proposal = await this.begin(document, range);
    proposal.set(range, text);
    this.draw(proposal);
  }

  /** A difference whose new lines are still to come. */
  async begin(document: vscode.TextDocument, range: vscode.Range): Promise<Proposal> {
    const path = document.uri.path;
    const uri = vscode.Uri.from({ scheme: SCHEME, path, query: String(Date.now()) });
    const proposal = new Proposal(uri, document, range);
    this.open.set(uri.toString(), proposal);
    const title = `${path.split('/').pop()}: copilotd's edit`;
    await vscode.commands.executeCommand('vscode.diff', document.uri, uri, title);
    this.mark();
    return proposal;
  }

  draw(proposal: Proposal): void {
    this.changed.fire(proposal.uri);
  }

  /** Write the proposal in front into its file. */
  async accept(): Promise<void> {
    const proposal = this.front();
    if (!proposal) return;
    try {
      await proposal.apply();
    } catch (error) {
      return void vscode.window.showWarningMessage(reason(error));
    }
    await this.close(proposal);
    await vscode.window.showTextDocument(proposal.document);
  }

  async reject(): Promise<void> {
    const proposal = this.front();
    if (proposal) await this.close(proposal);
  }

  async close(proposal: Proposal): Promise<void> {
    proposal.cancel();
    const tab = tabs().find((tab) => shows(tab)?.toString() === proposal.uri.toString());
    if (tab) await vscode.window.tabGroups.close(tab);
    this.open.delete(proposal.uri.toString());
  }

  dispose(): void {
    for (const one of this.registered) one.dispose();
  }

  private front(): Proposal | undefined {
    const uri = shows(vscode.window.tabGroups.activeTabGroup.activeTab);
    return uri && this.open.get(uri.toString());
  }

  private mark(): void {
    void vscode.commands.executeCommand('setContext', ACTIVE, this.front() !== undefined);
  }

  // Its document is also closed and opened when VS Code finds out the language.
  private drop(tab: vscode.Tab): void {
    const uri = shows(tab)?.toString() ?? '';
    this.open.get(uri)?.cancel();
    this.open.delete(uri);
  }
}

function tabs(): vscode.Tab[] {
  return vscode.window.tabGroups.all.flatMap((group) => group.tabs);
}

function shows(tab: vscode.Tab | undefined): vscode.Uri | undefined {
  return tab?.input instanceof vscode.TabInputTextDiff ? tab.input.modified : undefined;
}
