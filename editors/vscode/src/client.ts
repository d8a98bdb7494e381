import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import {
  type GenericNotificationHandler,
  type GenericRequestHandler,
  type Middleware,
  ProgressType,
} from 'vscode-languageclient';
import { LanguageClient, State as Running } from 'vscode-languageclient/node';
import type { Progress } from './chat/acts';
import { find, offerInstallation } from './installation';
import { settingsFor } from './settings';
import type { State } from './state';
import type { Status } from './status';

const PARTS = new ProgressType<Progress>();

/** `copilotd lsp`: its life, and what is asked of it. */
export class Client implements vscode.Disposable {
  readonly log = vscode.window.createOutputChannel('copilotd', { log: true });
  private readonly started = new vscode.EventEmitter<void>();
  readonly onDidStart = this.started.event;
  private language: LanguageClient | undefined;
  private readonly listeners = new Map<string, GenericNotificationHandler>();
  private readonly answerers = new Map<string, GenericRequestHandler<unknown, void>>();

  constructor(
    private readonly status: Status,
    private readonly middleware: Middleware,
  ) {}

  get isRunning(): boolean {
    return this.language?.state === Running.Running;
  }

  /** Call `listener` for each notification of that name, also after a restart. */
  on<T>(method: string, listener: (params: T) => void): void {
    this.listeners.set(method, listener);
  }

  /** Answer the server's requests of that name, also after a restart. */
  answer(method: string, answerer: GenericRequestHandler<unknown, void>): void {
    this.answerers.set(method, answerer);
  }

  async start(): Promise<void> {
    const command = find();
    if (!command) {
      this.status.show({ phase: 'missing', detail: 'The program copilotd was not found.' });
      return offerInstallation();
    }
    const language = this.create(command);
    this.language = language;
    language.onNotification('copilotd/status', (state: State) => this.status.show(state));
    for (const [method, listener] of this.listeners) language.onNotification(method, listener);
    for (const [method, answerer] of this.answerers) language.onRequest(method, answerer);
    try {
      await language.start();
    } catch (error) {
      this.status.show({ phase: 'failed', detail: `${command} did not start: ${reason(error)}` });
    }
  }

  async restart(): Promise<void> {
    await this.stop();
    this.status.show({ phase: 'starting', detail: 'starting' });
    await this.start();
  }

  async stop(): Promise<void> {
    const language = this.language;
    this.language = undefined;
    await language?.dispose();
  }

  /** Tell the server something; without one there is nobody to tell. */
  notify(method: string, params: object): void {
    if (this.language?.state === Running.Running)
      void this.language.sendNotification(method, params);
  }

  async request<T>(method: string, params: object): Promise<T> {
    return this.running().sendRequest<T>(method, params);
  }

  async execute<T>(command: string, ...args: unknown[]): Promise<T> {
    return this.running().sendRequest<T>('workspace/executeCommand', { command, arguments: args });
  }

  /** A request answered in pieces: text goes to `heard`, the rest to `acted`; the whole comes back. */
  async ask<T>(
    method: string,
    params: object,
    heard: (piece: string) => void,
    token: vscode.CancellationToken,
    acted: (part: Progress) => void = () => {},
  ): Promise<T> {
    const language = this.running();
    const id = randomUUID();
    const pieces = language.onProgress(PARTS, id, (part) =>
      part.delta === undefined ? acted(part) : heard(part.delta),
    );
    try {
      return await language.sendRequest<T>(method, { ...params, partialResultToken: id }, token);
    } finally {
      pieces.dispose();
    }
  }

  dispose(): void {
    void this.stop();
    this.started.dispose();
    this.log.dispose();
  }

  private running(): LanguageClient {
    if (this.language?.state === Running.Running) return this.language;
    throw new Error('copilotd does not run. The command “copilotd: Show Log” has the reason.');
  }

  private create(command: string): LanguageClient {
    const args = ['lsp', ...settingsFor().arguments];
    const language = new LanguageClient(
      'copilotd',
      'copilotd',
      { command, args },
      {
        documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }],
        outputChannel: this.log,
        middleware: this.middleware,
      },
    );
    language.onDidChangeState(({ newState }) => {
      if (newState === Running.Starting)
        this.status.show({ phase: 'starting', detail: 'starting' });
      if (newState === Running.Running) this.started.fire();
      if (newState === Running.Stopped && this.language === language) this.lost();
    });
    return language;
  }

  private lost(): void {
    const detail = 'The connection to copilotd ended. “copilotd: Restart” begins a new one.';
    this.status.show({ phase: 'failed', detail });
  }
}

/** What went wrong, in words. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
