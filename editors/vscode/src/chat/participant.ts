import * as vscode from 'vscode';
import type { Client } from '../client';
import type { EditRequests } from '../edit/requests';
import { usesTools } from '../settings';
import type { Progress } from './acts';
import { about, nearest, selected } from './subject';
import { type Answer, COMMANDS, type Turn } from './turn';

/** `@copilotd` in VS Code's own chat. */
export function participant(
  client: Client,
  edits: EditRequests,
  icon: vscode.Uri,
): vscode.ChatParticipant {
  const made = vscode.chat.createChatParticipant(
    'copilotd.chat',
    async (request, context, stream, token) => {
      if (request.command === 'edit') {
        await edits.edit(request.prompt);
        return stream.markdown('The edit is shown beside the file: accept or reject it there.');
      }
      const messages = [...context.history.flatMap(earlier), question(request)];
      const heard = (piece: string) => stream.markdown(piece);
      const acted = ({ result }: Progress) => result && stream.progress(result.title);
      const params = { messages, tools: usesTools() };
      await client.ask<Answer>('copilotd/chat', params, heard, token, acted);
    },
  );
  made.iconPath = icon;
  return made;
}

function question({ command, prompt }: { command?: string; prompt: string }): Turn {
  const turn = asked(command, prompt);
  return about(turn, turn.command ? nearest() : selected());
}

function asked(command: string | undefined, content: string): Turn {
  const known = COMMANDS.find((one) => one === command);
  return { role: 'user', content, ...(known && { command: known }) };
}

function earlier(turn: vscode.ChatRequestTurn | vscode.ChatResponseTurn): Turn[] {
  if (turn instanceof vscode.ChatRequestTurn) return [asked(turn.command, turn.prompt)];
  const content = turn.response
    .map((part) => (part instanceof vscode.ChatResponseMarkdownPart ? part.value.value : ''))
    .join('');
  return [{ role: 'assistant', content }];
}
