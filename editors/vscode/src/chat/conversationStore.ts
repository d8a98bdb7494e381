import type { ChatMessage } from '../protocol';
import { formatQuestion } from './question';

/** A stored conversation. The stored key is `turns`; another name would lose earlier chats. */
export interface Conversation {
  id: string;
  turns: ChatMessage[];
}

/** The part of VS Code's `Memento` that is used here. */
export interface Memento {
  get<T>(key: string, defaultValue: T): T;
  update(key: string, value: unknown): Thenable<void>;
}

const KEY = 'conversations';
const MAX_CONVERSATIONS = 20;
const MAX_TITLE_LENGTH = 60;

/** The most recent conversations of a workspace, newest first. */
export class ConversationStore {
  constructor(
    private readonly memento: Memento,
    private readonly createId: () => string,
  ) {}

  list(): Conversation[] {
    return this.memento.get<Conversation[]>(KEY, []);
  }

  /** A new conversation, which is not stored yet. */
  create(): Conversation {
    return { id: this.createId(), turns: [] };
  }

  /** Store a conversation as the newest. The oldest is dropped beyond `MAX_CONVERSATIONS`. */
  save(conversation: Conversation): Thenable<void> {
    const others = this.list().filter(({ id }) => id !== conversation.id);
    return this.memento.update(KEY, [conversation, ...others].slice(0, MAX_CONVERSATIONS));
  }
}

/** The first line of the first question, shortened to `MAX_TITLE_LENGTH` characters. */
export function formatTitle({ turns }: Conversation): string {
  const [line = ''] = turns[0] ? formatQuestion(turns[0]).split('\n') : [];
  return line.length > MAX_TITLE_LENGTH ? `${line.slice(0, MAX_TITLE_LENGTH - 1)}…` : line;
}
