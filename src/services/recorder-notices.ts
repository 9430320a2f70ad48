import type { Quotas } from '../access/quotas.ts'
import { thisOne } from '../delivery/recipients.ts'
import type { Changes } from '../events/changes.ts'
import type { RecorderNotices } from '../ports/recorder.ts'
import type { Connections } from '../registry/connections.ts'
import { ConnectionRecord } from '../registry/records.ts'
import { asConnection, type Publishing } from './publishing.ts'
import type { Subscribing } from './subscribing.ts'

export interface RecorderNoticesDependencies {
  readonly changes: Changes
  readonly connections: Connections
  readonly quotas: Quotas
  readonly publishing: Publishing
  readonly subscribing: Subscribing
}

/** Returns the functions that a manager offers to its recorder. */
export function recorderNotices({ changes, connections, publishing, quotas, subscribing }: RecorderNoticesDependencies): RecorderNotices {
  return {
    isDelivering: () => changes.isSending,
    assertMayNotify: (text) => quotas.assertLength(text, {}),
    inTurn: (act, hold) => publishing.inTurn(act, hold && { connection: asConnection(hold.connection), stream: hold.stream }),
    purge: (connection, stream) => subscribing.purgeRepeatable(asConnection(connection), stream),
    withdraw: (connection, stream) => subscribing.withdraw(asConnection(connection), stream),
    ownSubscription: (connection, stream) => subscribing.ownSubscription(asConnection(connection), stream),
    leavesOut: (connection, stream) => publishing.leavesOut(asConnection(connection), stream),
    notify: (connection, text, userId) => publishing.notify(() => thisOne(connections.all, ConnectionRecord.slotOf(asConnection(connection))), text, userId),
    unrecorded: () => publishing.unrecorded,
    sendAgain: (connection, stream, text) => publishing.sendAgain(asConnection(connection), stream, text),
  }
}
