import * as vscode from 'vscode';
import { type Client, reason } from '../client';
import { type Act, called, ended, type Progress } from './acts';
import type { Conversation, Conversations } from './conversations';
import type { Shown, ToPage } from './messages';
import { type Answer, type Code, place, type Turn, written } from './turn';

const CUT_OFF = 'The answer was cut off at the limit of its length.';
const STOPPED = 'Stopped.';

interface Running {
  conversation: Conversation;
  text: string;
  /** What was done so far, in its order. */
  acts: Map<string, Act>;
  /** What the answer adds to the conversation, once it is whole. */
  added?: Turn[];
  source: vscode.CancellationTokenSource;
}

/** The conversation that goes on, and the answer that is being written; `tell` draws both. */
export class Talk {
  private conversation: Conversation;
  private running: Running | undefined;

  constructor(
    private readonly client: Client,
    private readonly conversations: Conversations,
    private readonly tell: (message: ToPage) => void,
    private readonly usesTools: () => boolean,
  ) {
    this.conversation = conversations.all()[0] ?? conversations.begin();
  }

  show(conversation: Conversation): void {
    this.stop();
    this.conversation = conversation;
    this.draw();
  }

  draw(): void {
    this.tell({ type: 'turns', turns: shown(this.conversation.turns) });
    if (this.running?.conversation !== this.conversation) return;
    this.tell({ type: 'answering' });
    for (const act of this.running.acts.values()) this.tell({ type: 'act', act });
    this.tell({ type: 'piece', text: this.running.text });
  }

  /** Answer a question; another one that is being answered is given up. */
  async ask(turn: Turn): Promise<void> {
    this.stop();
    const { conversation } = this;
    const source = new vscode.CancellationTokenSource();
    const running: Running = { conversation, text: '', acts: new Map(), source };
    this.running = running;
    conversation.turns.push(turn);
    this.draw();
    try {
      const note = await this.answer(running);
      if (running === this.running) this.finish(running, note);
    } catch (error) {
      if (running === this.running) this.fail(running, turn, reason(error));
    }
  }

  /** What came of the answer by now stays. */
  stop(): void {
    this.running?.source.cancel();
    if (this.running) this.finish(this.running, STOPPED);
  }

  /** The code that was asked about last. */
  code(): Code | undefined {
    return this.conversation.turns.findLast(({ code }) => code)?.code;
  }

  private async answer(running: Running): Promise<string> {
    const { conversation, source } = running;
    const messages = [...conversation.turns];
    const heard = (piece: string) => this.heard(running, piece);
    const acted = (part: Progress) => this.acted(running, part);
    const params = { messages, tools: this.usesTools() };
    const method = 'copilotd/chat';
    const answer = await this.client.ask<Answer>(method, params, heard, source.token, acted);
    running.added = answer.messages;
    return answer.finishReason === 'length' ? CUT_OFF : '';
  }

  private heard(running: Running, piece: string): void {
    if (running !== this.running) return;
    running.text += piece;
    if (running.conversation === this.conversation) this.tell({ type: 'piece', text: piece });
  }

  private acted(running: Running, { call, result }: Progress): void {
    if (running !== this.running) return;
    const act = result ? ended(result) : call && called(call, 'working');
    if (!act) return;
    running.acts.set(act.id, act);
    if (running.conversation === this.conversation) this.tell({ type: 'act', act });
  }

  private finish(running: Running, note: string): void {
    this.running = undefined;
    running.conversation.turns.push(
      ...(running.added ?? [{ role: 'assistant' as const, content: running.text }]),
    );
    void this.conversations.keep(running.conversation);
    this.tell({ type: 'answered', note });
  }

  // The question goes back to its writer, who may ask it again.
  private fail(running: Running, turn: Turn, message: string): void {
    this.running = undefined;
    running.conversation.turns.pop();
    this.tell({ type: 'failed', message, question: written(turn) });
  }
}

// An answer with all that was done for it is one thing to the reader.
function shown(turns: Turn[]): Shown[] {
  const drawn: Shown[] = [];
  for (const turn of turns) {
    const last = drawn.at(-1);
    if (turn.role === 'user') {
      const place_ = turn.code ? place(turn.code) : '';
      drawn.push({ role: 'user', text: written(turn), acts: [], place: place_ });
    } else if (last?.role === 'assistant') {
      last.text += turn.role === 'tool' ? '' : (turn.content ?? '');
      last.acts.push(...acts(turn));
    } else {
      drawn.push({ role: 'assistant', text: turn.content ?? '', acts: acts(turn), place: '' });
    }
  }
  return drawn;
}

function acts(turn: Turn): Act[] {
  return (turn.calls ?? []).map((call) => called(call, 'kept'));
}
