import type * as vscode from 'vscode';
import { Approvals } from './chat/approvals';
import { CodeBlockActions } from './chat/codeBlockActions';
import { ChatView } from './chat/view';
import { Client } from './client';
import { EditRequests } from './edit/editRequests';
import { Proposals } from './edit/proposals';
import { GhostText } from './ghostText';
import type { ApprovalRequest } from './protocol';
import { StatusBar } from './statusBar';
import { VirtualDocument } from './virtualDocument';
import { applyAndSaveEdit, collectDiagnostics } from './workspace';

/** The long-lived objects of the extension. */
export interface Parts {
  client: Client;
  statusBar: StatusBar;
  ghostText: GhostText;
  chat: ChatView;
  edits: EditRequests;
  proposals: Proposals;
  explanation: VirtualDocument;
}

/** Create every part once and connect them. */
export function createParts(context: vscode.ExtensionContext): Parts {
  const statusBar = new StatusBar();
  const ghostText = new GhostText(statusBar);
  const client = new Client(statusBar, {
    ...ghostText.middleware,
    workspace: { handleApplyEdit: applyAndSaveEdit },
  });
  ghostText.connect(client);
  const proposals = new Proposals();
  const edits = new EditRequests(client, proposals);
  const approvals = new Approvals();
  client.onRequest('copilotd/approve', (request, token) =>
    approvals.ask(request as ApprovalRequest, token),
  );
  client.onRequest('copilotd/diagnostics', (params) =>
    collectDiagnostics(params as { uri: string | null }),
  );
  const chat = new ChatView(context, client, new CodeBlockActions(proposals), approvals);
  const explanation = new VirtualDocument();
  return { client, statusBar, ghostText, chat, edits, proposals, explanation };
}
