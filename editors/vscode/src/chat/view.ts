import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { Client } from '../client';
import { getSelectedCode, getSelectedOrVisibleCode } from '../codeSubject';
import { areToolsEnabled, toggleTools } from '../configuration';
import { formatError } from '../errors';
import type { Approvals } from './approvals';
import type { CodeBlockActions } from './codeBlockActions';
import { ConversationClient } from './conversationClient';
import { ConversationStore, formatTitle } from './conversationStore';
import { renderPage } from './page';
import type { MessageFromPage, MessageToPage } from './pageMessages';
import { formatLocation, parseQuestion } from './question';

/** The chat in the side bar. The extension holds the conversation, and the page only draws it. */
export class ChatView implements vscode.WebviewViewProvider {
  private view: vscode.WebviewView | undefined;
  private readonly store: ConversationStore;
  private readonly conversation: ConversationClient;

  constructor(
    private readonly extension: vscode.ExtensionContext,
    private readonly client: Client,
    private readonly codeBlocks: CodeBlockActions,
    private readonly approvals: Approvals,
  ) {
    this.store = new ConversationStore(extension.workspaceState, randomUUID);
    this.conversation = new ConversationClient(
      client,
      this.store,
      (message) => this.post(message),
      areToolsEnabled,
    );
    approvals.post = (message) => this.view?.visible === true && this.post(message);
    extension.subscriptions.push(
      vscode.window.onDidChangeTextEditorSelection(() => this.postSubject()),
      vscode.window.onDidChangeActiveTextEditor(() => this.postSubject()),
      vscode.workspace.onDidChangeConfiguration(() => this.postTools()),
    );
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    const root = this.extension.extensionUri;
    view.webview.options = { enableScripts: true, localResourceRoots: [root] };
    view.webview.onDidReceiveMessage((message: MessageFromPage) => this.handleMessage(message));
    view.onDidDispose(() => {
      this.view = undefined;
    });
    view.webview.html = renderPage(view.webview, root);
  }

  /** Ask a chat command about the selection or the file. */
  async askCommand(text: string): Promise<void> {
    const subject = getSelectedOrVisibleCode();
    if (!subject) return void vscode.window.showInformationMessage('Open a file first.');
    await vscode.commands.executeCommand('copilotd.chat.focus');
    await this.conversation.ask({ ...parseQuestion(text), ...subject });
  }

  startConversation(): void {
    this.conversation.show(this.store.create());
  }

  async chooseConversation(): Promise<void> {
    const items = this.store
      .list()
      .map((conversation) => ({ label: formatTitle(conversation), conversation }));
    const placeHolder = items.length ? 'Continue a chat' : 'There are no earlier chats';
    const chosen = await vscode.window.showQuickPick(items, { placeHolder });
    if (chosen) this.conversation.show(chosen.conversation);
  }

  private async handleMessage(message: MessageFromPage): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.conversation.draw();
        this.postTools();
        return this.postSubject();
      case 'stop':
        return this.conversation.stop();
      case 'decide':
        return this.approvals.decide(message.id, message.decision);
      case 'undo':
        return this.undo(message.id);
      case 'toggleTools':
        return toggleTools();
      case 'ask':
        return this.ask(message.text);
      default:
        return this.codeBlocks[message.type](message.code, this.conversation.getLatestCode());
    }
  }

  private async ask(text: string): Promise<void> {
    const question = parseQuestion(text);
    const subject = question.command ? getSelectedOrVisibleCode() : getSelectedCode();
    await this.conversation.ask({ ...question, ...subject });
  }

  private async undo(id: string): Promise<void> {
    try {
      await this.client.request('copilotd/undoEdit', { id });
      this.post({ type: 'editUndone', id });
    } catch (error) {
      void vscode.window.showWarningMessage(`copilotd: ${formatError(error)}`);
    }
  }

  private postTools(): void {
    this.post({ type: 'tools', isEnabled: areToolsEnabled() });
  }

  private postSubject(): void {
    const subject = getSelectedCode();
    this.post({ type: 'subject', location: subject ? formatLocation(subject.code) : '' });
  }

  private post(message: MessageToPage): boolean {
    void this.view?.webview.postMessage(message);
    return this.view !== undefined;
  }
}
