// In a project of your own: 'stream-connection-manager' and 'stream-connection-manager/recovery'
import { ConnectionManager } from '../../../dist/index.js'
import { createRecovery } from '../../../dist/recovery.js'
import { deskStreams, SYMBOL_STREAMS } from '../streams.js'

/** @import { WebSocket } from 'ws' */
/** @import { Connection } from '../../../dist/index.js' */
/** @import { Recovery } from '../../../dist/recovery.js' */
/** @import { Setup } from '../page/setup.js' */
/** @import { DeskStreams } from '../streams.js' */
/** @import { Line } from './line.js' */

/**
 * @typedef {{ line: Line, pongAtMs: number | undefined }} Metadata
 *
 * @typedef {ConnectionManager<WebSocket, DeskStreams, Metadata>} Manager
 *
 * @typedef {Connection<WebSocket, DeskStreams, Metadata>} DeskConnection
 *
 * @typedef {Recovery<DeskStreams>} DeskRecovery
 */

/**
 * A manager of the desk, and its recovery, which remembers what a page misses between two connections.
 *
 * @param {Pick<Setup, 'trades' | 'instruments' | 'limits'>} setup
 * @returns {{ manager: Manager, recovery: DeskRecovery }}
 */
export function createManager({ trades, instruments, limits }) {
  const symbols = new Set(instruments.map(({ symbol }) => symbol))
  const isOfSymbol = new Set(/** @type {readonly string[]} */ (SYMBOL_STREAMS))
  const streams = deskStreams(trades)
  /** @type {DeskRecovery} */
  const recovery = createRecovery()
  /** @type {Manager} */
  const manager = new ConnectionManager({
    streams,
    recorder: recovery,
    delivery: { softLimitBytes: limits.softLimitBytes, hardLimitBytes: limits.hardLimitBytes },
    quotas: { connections: 200, connectionsPerUser: 50 },
    authorize: ({ streamType, symbol }) => (isOfSymbol.has(streamType) ? symbols.has(symbol ?? '') : symbol === undefined),
  })
  manager.on('error', ({ error, stage, connection }) => {
    // A tab may go while something is on its way to it. Its connection is removed, and that is told as well.
    if (stage !== 'send') console.error(`Trouble with ${connection?.id ?? 'the server'} (${stage}):`, error)
  })
  return { manager, recovery }
}
