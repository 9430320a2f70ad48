// The process of the clients, and of the auditor who compares what they received with what the server handed to their sockets.
import { Auditor, type AuditReport } from './auditor.ts'
import { Client, type Command, type Leave } from './client.ts'
import type { LedgerEntry } from './ledger.ts'
import { receiptOf, type Receipt } from './receipt.ts'

/** What the server's process tells this one. */
export type ToClients =
  | { readonly type: 'join'; readonly client: number; readonly userId: string; readonly url: string }
  | { readonly type: 'command'; readonly client: number; readonly command: Command }
  | { readonly type: 'leave'; readonly client: number; readonly how: Leave }
  | { readonly type: 'pause' | 'resume'; readonly client: number }
  | { readonly type: 'ledger'; readonly entries: readonly LedgerEntry[] }
  | { readonly type: 'report' }

/** What this process tells the server's. */
export type FromClients = { readonly type: 'paused'; readonly client: number } | { readonly type: 'report'; readonly report: AuditReport }

/** How long clients may take to see their ends before these count as missing. */
const PATIENCE_MS = 60_000
const LOOK_AGAIN_MS = 50

const auditor = new Auditor()
const clients = new Map<number, Client>()

function hear(message: ToClients): void {
  switch (message.type) {
    case 'join': return join(message)
    case 'command': return clients.get(message.client)?.send(message.command)
    case 'leave': return clients.get(message.client)?.leave(message.how)
    case 'pause': return pause(message.client)
    case 'resume': return clients.get(message.client)?.resume()
    case 'ledger': return message.entries.forEach((entry) => auditor.take(entry))
    case 'report': return void report(Date.now() + PATIENCE_MS)
  }
}

function join({ client, userId, url }: Extract<ToClients, { type: 'join' }>): void {
  auditor.begin(client, userId)
  clients.set(client, new Client(url, {
    received: (text) => receive(client, text),
    closed(end) {
      clients.delete(client)
      auditor.close(client, end)
    },
  }))
}

function receive(client: number, text: string): void {
  let receipt: Receipt
  try {
    receipt = receiptOf(text)
  } catch {
    return auditor.refuse(client, text)
  }
  auditor.receive(client, receipt)
}

function pause(client: number): void {
  clients.get(client)?.pause()
  tell({ type: 'paused', client })
}

/** The clients see their ends a little later than the server does. */
function report(deadlineMs: number): void {
  if (auditor.open > 0 && Date.now() < deadlineMs) setTimeout(() => report(deadlineMs), LOOK_AGAIN_MS)
  else tell({ type: 'report', report: auditor.report() })
}

function tell(message: FromClients): void {
  process.send?.(message)
}

process.on('message', hear)
// Without a server there is nothing left to do, and nobody else to end this process.
process.on('disconnect', () => process.exit())
