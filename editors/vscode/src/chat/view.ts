import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { type Client, reason } from '../client';
import { toggleTools, usesTools } from '../settings';
import type { Approvals } from './approvals';
import type { CodeBlocks } from './codeBlocks';
import { Conversations, title } from './conversations';
import type { FromPage, ToPage } from './messages';
import { page } from './page';
import { about, nearest, selected } from './subject';
import { Talk } from './talk';
import { place, typed } from './turn';

/** The chat in the side bar: the conversation is kept here, the page only draws it. */
export class ChatView implements vscode.WebviewViewProvider {
  private view: vscode.WebviewView | undefined;
  private readonly conversations: Conversations;
  private readonly talk: Talk;

  constructor(
    private readonly extension: vscode.ExtensionContext,
    private readonly client: Client,
    private readonly blocks: CodeBlocks,
    private readonly approvals: Approvals,
  ) {
    this.conversations = new Conversations(extension.workspaceState, randomUUID);
    this.talk = new Talk(client, this.conversations, (message) => this.tell(message), usesTools);
    approvals.tell = (message) => this.view?.visible === true && this.tell(message);
    extension.subscriptions.push(
      vscode.window.onDidChangeTextEditorSelection(() => this.nameSubject()),
      vscode.window.onDidChangeActiveTextEditor(() => this.nameSubject()),
      vscode.workspace.onDidChangeConfiguration(() => this.nameTools()),
    );
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    const root = this.extension.extensionUri;
    view.webview.options = { enableScripts: true, localResourceRoots: [root] };
    view.webview.onDidReceiveMessage((message: FromPage) => this.received(message));
    view.onDidDispose(() => {
      this.view = undefined;
    });
    view.webview.html = page(view.webview, root);
  }

  /** Ask one of the chat's commands about what is selected, or about the file. */
  async command(text: string, subject = nearest()): Promise<void> {
    if (!subject) return void vscode.window.showInformationMessage('Open a file first.');
    await vscode.commands.executeCommand('copilotd.chat.focus');
    await this.talk.ask(about(typed(text), subject));
  }

  begin(): void {
    this.talk.show(this.conversations.begin());
  }

  async choose(): Promise<void> {
    const all = this.conversations.all();
    const items = all.map((conversation) => ({ label: title(conversation), conversation }));
    const placeHolder = items.length ? 'Go on with…' : 'Nothing was asked yet';
    const chosen = await vscode.window.showQuickPick(items, { placeHolder });
    if (chosen) this.talk.show(chosen.conversation);
  }

  private async received(message: FromPage): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.talk.draw();
        this.nameTools();
        return this.nameSubject();
      case 'stop':
        return this.talk.stop();
      case 'decide':
        return this.approvals.decide(message.id, message.decision);
      case 'undo':
        return this.undo(message.id);
      case 'tools':
        return toggleTools();
      case 'ask':
        return this.ask(message.text);
      default:
        return this.blocks[message.type](message.code, this.talk.code());
    }
  }

  private async ask(text: string): Promise<void> {
    const turn = typed(text);
    await this.talk.ask(about(turn, turn.command ? nearest() : selected()));
  }

  private async undo(id: string): Promise<void> {
    try {
      await this.client.request('copilotd/undoEdit', { id });
      this.tell({ type: 'undone', id });
    } catch (error) {
      void vscode.window.showWarningMessage(`copilotd: ${reason(error)}`);
    }
  }

  private nameTools(): void {
    this.tell({ type: 'tools', on: usesTools() });
  }

  private nameSubject(): void {
    const subject = selected();
    this.tell({ type: 'subject', place: subject ? place(subject.code) : '' });
  }

  private tell(message: ToPage): boolean {
    void this.view?.webview.postMessage(message);
    return this.view !== undefined;
  }
}
