import * as vscode from 'vscode';
import type { Client } from '../client';
import type { ChatAnswer, ChatMessage, PartialResult, ToolCall } from '../protocol';

const VENDOR = 'copilotd';
/** For VS Code's own estimate only. The server counts exactly. */
const CHARACTERS_PER_TOKEN = 3.5;
const MAX_OUTPUT_TOKENS = 1024;
const DEFAULT_CONTEXT_TOKENS = 4096;
// VS Code starts in agent mode, which lists only models with tool calling.
const CAPABILITIES = { toolCalling: true };
// Missing in the stable types. Without it VS Code lists the model but cannot select it in the chat.
const SELECTABLE = { isUserSelectable: true };

interface DaemonStatus {
  model: { name: string; n_ctx: number } | null;
}

/** Offers the loaded model in VS Code's list of language models. */
export class LanguageModelProvider implements vscode.LanguageModelChatProvider {
  static readonly vendor = VENDOR;
  readonly onDidChangeLanguageModelChatInformation: vscode.Event<void>;

  constructor(private readonly client: Client) {
    this.onDidChangeLanguageModelChatInformation = client.onDidStart;
  }

  async provideLanguageModelChatInformation(): Promise<vscode.LanguageModelChatInformation[]> {
    // VS Code asks once when it starts, before the server runs.
    const model = this.client.isRunning ? await this.fetchModel() : null;
    const contextTokens = model?.n_ctx ?? DEFAULT_CONTEXT_TOKENS;
    return [
      {
        id: VENDOR,
        name: model ? `${model.name} (copilotd)` : VENDOR,
        family: VENDOR,
        version: '1',
        tooltip: 'Runs on this machine.',
        maxInputTokens: Math.max(1, contextTokens - MAX_OUTPUT_TOKENS),
        maxOutputTokens: MAX_OUTPUT_TOKENS,
        capabilities: CAPABILITIES,
        ...SELECTABLE,
      },
    ];
  }

  async provideLanguageModelChatResponse(
    _model: vscode.LanguageModelChatInformation,
    messages: readonly vscode.LanguageModelChatRequestMessage[],
    options: vscode.ProvideLanguageModelChatResponseOptions,
    progress: vscode.Progress<vscode.LanguageModelResponsePart>,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const onDelta = (delta: string) => progress.report(new vscode.LanguageModelTextPart(delta));
    const onToolEvent = ({ call }: PartialResult) => {
      if (call) progress.report(toToolCallPart(call));
    };
    const params = { messages: messages.flatMap(toChatMessages), tools: toTools(options.tools) };
    await this.client.stream<ChatAnswer>('copilotd/chat', params, onDelta, token, onToolEvent);
  }

  async provideTokenCount(
    _model: vscode.LanguageModelChatInformation,
    content: string | vscode.LanguageModelChatRequestMessage,
  ): Promise<number> {
    const text = typeof content === 'string' ? content : JSON.stringify(toChatMessages(content));
    return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
  }

  private async fetchModel(): Promise<DaemonStatus['model']> {
    return (await this.client.executeCommand<DaemonStatus>('copilotd.status')).model;
  }
}

// VS Code runs these tools itself, so the server gets their descriptions and returns the calls.
function toTools(tools: readonly vscode.LanguageModelChatTool[] = []): object[] | false {
  if (tools.length === 0) return false;
  return tools.map(({ name, description, inputSchema }) => ({
    name,
    description,
    parameters: inputSchema ?? {},
  }));
}

function toToolCallPart(call: ToolCall): vscode.LanguageModelToolCallPart {
  return new vscode.LanguageModelToolCallPart(call.id, call.name, JSON.parse(call.arguments));
}

/** The messages of one VS Code message: each tool result in it becomes a message of its own. */
function toChatMessages({ role, content }: vscode.LanguageModelChatRequestMessage): ChatMessage[] {
  const results = content.filter((part) => part instanceof vscode.LanguageModelToolResultPart);
  const calls = content.filter((part) => part instanceof vscode.LanguageModelToolCallPart);
  const isAnswer = role === vscode.LanguageModelChatMessageRole.Assistant;
  const message: ChatMessage = {
    role: isAnswer ? 'assistant' : 'user',
    content: joinText(content),
  };
  if (calls.length) {
    message.calls = calls.map(({ callId, name, input }) => {
      return { id: callId, name, arguments: JSON.stringify(input) };
    });
  }
  const resultMessages = results.map(({ callId, content }): ChatMessage => {
    return { role: 'tool', callId, content: joinText(content) };
  });
  return message.content || calls.length ? [...resultMessages, message] : resultMessages;
}

function joinText(content: readonly unknown[]): string {
  const texts = content.filter((part) => part instanceof vscode.LanguageModelTextPart);
  return texts.map(({ value }) => value).join('');
}
