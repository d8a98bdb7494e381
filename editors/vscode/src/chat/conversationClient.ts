import * as vscode from 'vscode';
import type { Client } from '../client';
import { formatError } from '../errors';
import type { ChatAnswer, ChatMessage, CodeSnippet, PartialResult } from '../protocol';
import type { Conversation, ConversationStore } from './conversationStore';
import type { MessageToPage } from './pageMessages';
import { toPageTurns } from './pageTurns';
import { formatQuestion } from './question';
import { createItemFromCall, createItemFromResult, type ToolCallItem } from './toolCallItem';

const CUT_OFF = 'The answer was cut off at the length limit.';
const STOPPED = 'Stopped.';

interface RunningAnswer {
  conversation: Conversation;
  text: string;
  /** The tool calls so far, in order, by id. */
  toolCalls: Map<string, ToolCallItem>;
  /** The messages that the answer adds to the conversation; set when the answer is complete. */
  added?: ChatMessage[];
  source: vscode.CancellationTokenSource;
}

/** The current conversation and its running answer. `post` sends both to the chat page. */
export class ConversationClient {
  private conversation: Conversation;
  private running: RunningAnswer | undefined;

  constructor(
    private readonly client: Client,
    private readonly store: ConversationStore,
    private readonly post: (message: MessageToPage) => void,
    private readonly areToolsEnabled: () => boolean,
  ) {
    this.conversation = store.list()[0] ?? store.create();
  }

  show(conversation: Conversation): void {
    this.stop();
    this.conversation = conversation;
    this.draw();
  }

  draw(): void {
    this.post({ type: 'conversation', turns: toPageTurns(this.conversation.turns) });
    if (this.running?.conversation !== this.conversation) return;
    this.post({ type: 'answerStarted' });
    for (const item of this.running.toolCalls.values()) this.post({ type: 'toolCall', item });
    this.post({ type: 'answerDelta', delta: this.running.text });
  }

  /** Send a question and stream its answer. An answer that is still running is stopped. */
  async ask(question: ChatMessage): Promise<void> {
    this.stop();
    const { conversation } = this;
    const source = new vscode.CancellationTokenSource();
    const running: RunningAnswer = { conversation, text: '', toolCalls: new Map(), source };
    this.running = running;
    conversation.turns.push(question);
    this.draw();
    try {
      const note = await this.requestAnswer(running);
      if (running === this.running) this.finish(running, note);
    } catch (error) {
      if (running === this.running) this.fail(running, question, formatError(error));
    }
  }

  /** Stop the running answer. The text so far stays in the conversation. */
  stop(): void {
    this.running?.source.cancel();
    if (this.running) this.finish(this.running, STOPPED);
  }

  /** The code of the latest question that has code. */
  getLatestCode(): CodeSnippet | undefined {
    return this.conversation.turns.findLast(({ code }) => code)?.code;
  }

  private async requestAnswer(running: RunningAnswer): Promise<string> {
    const params = { messages: [...running.conversation.turns], tools: this.areToolsEnabled() };
    const answer = await this.client.stream<ChatAnswer>(
      'copilotd/chat',
      params,
      (delta) => this.addDelta(running, delta),
      running.source.token,
      (event) => this.addToolEvent(running, event),
    );
    running.added = answer.messages;
    return answer.finishReason === 'length' ? CUT_OFF : '';
  }

  private addDelta(running: RunningAnswer, delta: string): void {
    if (running !== this.running) return;
    running.text += delta;
    if (running.conversation === this.conversation) this.post({ type: 'answerDelta', delta });
  }

  private addToolEvent(running: RunningAnswer, { call, result }: PartialResult): void {
    if (running !== this.running) return;
    const item = result
      ? createItemFromResult(result)
      : call && createItemFromCall(call, 'working');
    if (!item) return;
    running.toolCalls.set(item.id, item);
    if (running.conversation === this.conversation) this.post({ type: 'toolCall', item });
  }

  private finish(running: RunningAnswer, note: string): void {
    this.running = undefined;
    running.conversation.turns.push(
      ...(running.added ?? [{ role: 'assistant' as const, content: running.text }]),
    );
    void this.store.save(running.conversation);
    this.post({ type: 'answerEnded', note });
  }

  // The page puts the question back into the input box, so that the user can send it again.
  private fail(running: RunningAnswer, question: ChatMessage, message: string): void {
    this.running = undefined;
    running.conversation.turns.pop();
    this.post({ type: 'answerFailed', message, question: formatQuestion(question) });
  }
}
