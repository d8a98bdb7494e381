import * as vscode from 'vscode';
import type { Question } from './chat/acts';
import { Approvals } from './chat/approvals';
import { CodeBlocks } from './chat/codeBlocks';
import { Model } from './chat/model';
import { participant } from './chat/participant';
import { ChatView } from './chat/view';
import { Client, reason } from './client';
import { commands } from './commands';
import { Actions } from './edit/actions';
import { Proposals } from './edit/proposals';
import { EditRequests } from './edit/requests';
import { GhostText } from './ghostText';
import { Report } from './report';
import { Status } from './status';
import { applyEdit, diagnostics } from './workspace';

/** What the extension is made of. */
export interface Parts {
  client: Client;
  status: Status;
  ghostText: GhostText;
  chat: ChatView;
  edits: EditRequests;
  proposals: Proposals;
  report: Report;
}

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const parts = built(context);
  const icon = vscode.Uri.joinPath(context.extensionUri, 'media', 'icon.svg');
  const actions = { providedCodeActionKinds: Actions.kinds };
  context.subscriptions.push(
    parts.status,
    parts.client,
    parts.proposals,
    parts.report,
    vscode.window.registerWebviewViewProvider('copilotd.chat', parts.chat),
    vscode.languages.registerCodeActionsProvider({ scheme: 'file' }, new Actions(), actions),
    vscode.lm.registerLanguageModelChatProvider(Model.vendor, new Model(parts.client)),
    participant(parts.client, parts.edits, icon),
    ...registered(commands(parts)),
  );
  await parts.client.start();
}

function built(context: vscode.ExtensionContext): Parts {
  const status = new Status();
  const ghostText = new GhostText(status);
  const client = new Client(status, {
    ...ghostText.middleware,
    workspace: { handleApplyEdit: applyEdit },
  });
  ghostText.serve(client);
  const proposals = new Proposals();
  const edits = new EditRequests(client, proposals);
  const approvals = new Approvals();
  client.answer('copilotd/approve', (question, token) =>
    approvals.ask(question as Question, token),
  );
  client.answer('copilotd/diagnostics', (file) => diagnostics(file as { uri: string | null }));
  const chat = new ChatView(context, client, new CodeBlocks(proposals), approvals);
  return { client, status, ghostText, chat, edits, proposals, report: new Report() };
}

// A command that fails says why, and does not only log it.
function registered(all: ReturnType<typeof commands>): vscode.Disposable[] {
  return Object.entries(all).map(([name, run]) =>
    vscode.commands.registerCommand(name, async (...args: never[]) => {
      try {
        return await run(...args);
      } catch (error) {
        void vscode.window.showErrorMessage(`copilotd: ${reason(error)}`);
      }
    }),
  );
}
