import * as vscode from 'vscode';
import type { Client } from '../client';
import type { Call, Progress } from './acts';
import type { Answer, Turn } from './turn';

const VENDOR = 'copilotd';
/** The server counts exactly; here it is for VS Code's own estimate only. */
const CHARACTERS_PER_TOKEN = 3.5;
const ANSWER_TOKENS = 1024;
const SMALL_CONTEXT = 4096;
// Agent mode, which is VS Code's default, has no other models.
const CAPABILITIES = { toolCalling: true };
// Not in the stable types yet; without it VS Code lists the model, and has none for its chat.
const SELECTABLE = { isUserSelectable: true };

interface Status {
  model: { name: string; n_ctx: number } | null;
}

/** The loaded model in VS Code's own list of models. */
export class Model implements vscode.LanguageModelChatProvider {
  static readonly vendor = VENDOR;
  readonly onDidChangeLanguageModelChatInformation: vscode.Event<void>;

  constructor(private readonly client: Client) {
    this.onDidChangeLanguageModelChatInformation = client.onDidStart;
  }

  async provideLanguageModelChatInformation(): Promise<vscode.LanguageModelChatInformation[]> {
    // VS Code asks once at its start, before there is a server.
    const model = this.client.isRunning ? await this.loaded() : null;
    const maxInputTokens = Math.max(1, (model?.n_ctx ?? SMALL_CONTEXT) - ANSWER_TOKENS);
    return [
      {
        id: VENDOR,
        name: model ? `${model.name} (copilotd)` : VENDOR,
        family: VENDOR,
        version: '1',
        tooltip: 'Runs on this machine.',
        maxInputTokens,
        maxOutputTokens: ANSWER_TOKENS,
        capabilities: CAPABILITIES,
        ...SELECTABLE,
      },
    ];
  }

  private async loaded(): Promise<Status['model']> {
    return (await this.client.execute<Status>('copilotd.status')).model;
  }

  async provideLanguageModelChatResponse(
    _model: vscode.LanguageModelChatInformation,
    messages: readonly vscode.LanguageModelChatRequestMessage[],
    options: vscode.ProvideLanguageModelChatResponseOptions,
    progress: vscode.Progress<vscode.LanguageModelResponsePart>,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const heard = (piece: string) => progress.report(new vscode.LanguageModelTextPart(piece));
    const acted = ({ call }: Progress) => {
      if (call) progress.report(part(call));
    };
    const params = { messages: messages.flatMap(turns), tools: offered(options.tools) };
    await this.client.ask<Answer>('copilotd/chat', params, heard, token, acted);
  }

  async provideTokenCount(
    _model: vscode.LanguageModelChatInformation,
    text: string | vscode.LanguageModelChatRequestMessage,
  ): Promise<number> {
    const length = (typeof text === 'string' ? text : JSON.stringify(turns(text))).length;
    return Math.ceil(length / CHARACTERS_PER_TOKEN);
  }
}

// The editor runs its own tools; the model only says which.
function offered(tools: readonly vscode.LanguageModelChatTool[] = []): object[] | false {
  if (tools.length === 0) return false;
  return tools.map(({ name, description, inputSchema }) => ({
    name,
    description,
    parameters: inputSchema ?? {},
  }));
}

function part({ id, name, arguments: said }: Call): vscode.LanguageModelToolCallPart {
  return new vscode.LanguageModelToolCallPart(id, name, JSON.parse(said));
}

/** A message of VS Code's; each result of a tool in it is a turn of its own. */
function turns({ role, content }: vscode.LanguageModelChatRequestMessage): Turn[] {
  const results = content.filter((one) => one instanceof vscode.LanguageModelToolResultPart);
  const made = content.filter((one) => one instanceof vscode.LanguageModelToolCallPart);
  const isAnswer = role === vscode.LanguageModelChatMessageRole.Assistant;
  const turn: Turn = { role: isAnswer ? 'assistant' : 'user', content: text(content) };
  if (made.length) {
    turn.calls = made.map(({ callId, name, input }) => {
      return { id: callId, name, arguments: JSON.stringify(input) };
    });
  }
  const answers = results.map(({ callId, content }): Turn => {
    return { role: 'tool', callId, content: text(content) };
  });
  return turn.content || made.length ? [...answers, turn] : answers;
}

function text(content: readonly unknown[]): string {
  const texts = content.filter((one) => one instanceof vscode.LanguageModelTextPart);
  return texts.map(({ value }) => value).join('');
}
