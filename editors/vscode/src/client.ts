import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import {
  type GenericNotificationHandler,
  type GenericRequestHandler,
  type Middleware,
  ProgressType,
} from 'vscode-languageclient';
import { LanguageClient, State } from 'vscode-languageclient/node';
import { readSettings } from './configuration';
import { formatError } from './errors';
import { findProgram, offerInstallation } from './installation';
import { DOCUMENT_SELECTOR } from './places';
import type { PartialResult } from './protocol';
import type { ServerState } from './serverState';
import type { StatusBar } from './statusBar';

const PARTIAL_RESULT = new ProgressType<PartialResult>();

/** Starts and stops `copilotd lsp`, and sends requests to it. */
export class Client implements vscode.Disposable {
  readonly log = vscode.window.createOutputChannel('copilotd', { log: true });
  private readonly started = new vscode.EventEmitter<void>();
  readonly onDidStart = this.started.event;
  private languageClient: LanguageClient | undefined;
  private readonly notificationHandlers = new Map<string, GenericNotificationHandler>();
  private readonly requestHandlers = new Map<string, GenericRequestHandler<unknown, void>>();

  constructor(
    private readonly statusBar: StatusBar,
    private readonly middleware: Middleware,
  ) {}

  get isRunning(): boolean {
    return this.languageClient?.state === State.Running;
  }

  /** Call `handler` for each notification of this method. It stays registered after a restart. */
  onNotification<T>(method: string, handler: (params: T) => void): void {
    this.notificationHandlers.set(method, handler);
  }

  /** Answer the server's requests of this method. The handler stays registered after a restart. */
  onRequest(method: string, handler: GenericRequestHandler<unknown, void>): void {
    this.requestHandlers.set(method, handler);
  }

  async start(): Promise<void> {
    const program = findProgram();
    if (!program) {
      this.statusBar.show({ phase: 'missing', detail: 'The copilotd program was not found.' });
      return offerInstallation();
    }
    const client = this.createLanguageClient(program);
    this.languageClient = client;
    client.onNotification('copilotd/status', (state: ServerState) => this.statusBar.show(state));
    for (const [method, handler] of this.notificationHandlers)
      client.onNotification(method, handler);
    for (const [method, handler] of this.requestHandlers) client.onRequest(method, handler);
    try {
      await client.start();
    } catch (error) {
      const detail = `Cannot start ${program}: ${formatError(error)}`;
      this.statusBar.show({ phase: 'failed', detail });
    }
  }

  async restart(): Promise<void> {
    await this.stop();
    this.statusBar.show({ phase: 'starting', detail: 'starting' });
    await this.start();
  }

  async stop(): Promise<void> {
    const client = this.languageClient;
    this.languageClient = undefined;
    await client?.dispose();
  }

  /** Send a notification if the server runs; drop it otherwise. */
  notify(method: string, params: object): void {
    if (this.languageClient?.state === State.Running)
      void this.languageClient.sendNotification(method, params);
  }

  async request<T>(method: string, params: object): Promise<T> {
    return this.requireRunning().sendRequest<T>(method, params);
  }

  async executeCommand<T>(command: string, ...args: unknown[]): Promise<T> {
    const params = { command, arguments: args };
    return this.requireRunning().sendRequest<T>('workspace/executeCommand', params);
  }

  /**
   * Send a request whose answer is streamed. Text goes to `onDelta`, tool calls and their results
   * go to `onToolEvent`. Resolves with the complete result.
   */
  async stream<T>(
    method: string,
    params: object,
    onDelta: (delta: string) => void,
    token: vscode.CancellationToken,
    onToolEvent: (event: PartialResult) => void = () => {},
  ): Promise<T> {
    const client = this.requireRunning();
    const id = randomUUID();
    const progress = client.onProgress(PARTIAL_RESULT, id, (part) =>
      part.delta === undefined ? onToolEvent(part) : onDelta(part.delta),
    );
    try {
      return await client.sendRequest<T>(method, { ...params, partialResultToken: id }, token);
    } finally {
      progress.dispose();
    }
  }

  dispose(): void {
    void this.stop();
    this.started.dispose();
    this.log.dispose();
  }

  private requireRunning(): LanguageClient {
    if (this.languageClient?.state === State.Running) return this.languageClient;
    throw new Error('copilotd is not running. Run “copilotd: Show Log” to see why.');
  }

  private createLanguageClient(command: string): LanguageClient {
    const args = ['lsp', ...readSettings().arguments];
    const client = new LanguageClient(
      'copilotd',
      'copilotd',
      { command, args },
      {
        documentSelector: DOCUMENT_SELECTOR,
        outputChannel: this.log,
        middleware: this.middleware,
      },
    );
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Starting)
        this.statusBar.show({ phase: 'starting', detail: 'starting' });
      if (newState === State.Running) this.started.fire();
      if (newState === State.Stopped && this.languageClient === client) this.showConnectionLost();
    });
    return client;
  }

  private showConnectionLost(): void {
    const detail = 'The connection to copilotd was lost. Run “copilotd: Restart” to reconnect.';
    this.statusBar.show({ phase: 'failed', detail });
  }
}
