import type { ApprovalDecision, ApprovalRequest } from '../protocol';
import type { ToolCallItem } from './toolCallItem';

/** Messages from the extension to the chat page. */
export type MessageToPage =
  | { type: 'conversation'; turns: PageTurn[] }
  | { type: 'answerStarted' }
  | { type: 'answerDelta'; delta: string }
  | { type: 'toolCall'; item: ToolCallItem }
  | { type: 'approvalRequested'; request: ApprovalRequest }
  | { type: 'approvalDecided' | 'editUndone'; id: string }
  | { type: 'tools'; isEnabled: boolean }
  | { type: 'answerEnded'; note: string }
  | { type: 'answerFailed'; message: string; question: string }
  | { type: 'subject'; location: string };

/** A question, or an answer with all its tool calls. `location` says which code it is about. */
export interface PageTurn {
  role: 'user' | 'assistant';
  text: string;
  toolCalls: ToolCallItem[];
  location: string;
}

/** Messages from the chat page to the extension. */
export type MessageFromPage =
  | { type: 'ready' }
  | { type: 'ask'; text: string }
  | { type: 'stop' }
  | { type: 'decide'; id: string; decision: ApprovalDecision }
  | { type: 'undo'; id: string }
  | { type: 'toggleTools' }
  | { type: 'insert' | 'apply' | 'copy'; code: string };
