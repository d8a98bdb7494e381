import type { ChatMessage } from '../protocol';
import type { PageTurn } from './pageMessages';
import { formatLocation, formatQuestion } from './question';
import { createItemFromCall, type ToolCallItem } from './toolCallItem';

/** Group messages into turns: an answer and all its tool calls and results are one turn. */
export function toPageTurns(messages: ChatMessage[]): PageTurn[] {
  const turns: PageTurn[] = [];
  for (const message of messages) {
    const last = turns.at(-1);
    if (message.role === 'user') {
      turns.push(toQuestionTurn(message));
    } else if (last?.role === 'assistant') {
      last.text += message.role === 'tool' ? '' : (message.content ?? '');
      last.toolCalls.push(...toItems(message));
    } else {
      const text = message.content ?? '';
      turns.push({ role: 'assistant', text, toolCalls: toItems(message), location: '' });
    }
  }
  return turns;
}

function toQuestionTurn(message: ChatMessage): PageTurn {
  const location = message.code ? formatLocation(message.code) : '';
  return { role: 'user', text: formatQuestion(message), toolCalls: [], location };
}

function toItems({ calls = [] }: ChatMessage): ToolCallItem[] {
  return calls.map((call) => createItemFromCall(call, 'kept'));
}
