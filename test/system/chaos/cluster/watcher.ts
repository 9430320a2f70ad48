import type { WebSocket } from 'ws'
import type { ConnectionManager } from '../../../../src/index.ts'
import type { Entry } from '../messages.ts'
import type { streams } from '../streams.ts'
import { BULK } from './roamers.ts'

/** A subscriber on the node itself. It counts which of the node's own messages it hears before `publish` returns. */
export class Watcher {
  readonly local = { due: 0, heard: 0 }
  #texts = 0

  constructor(manager: ConnectionManager<WebSocket, typeof streams>) {
    const socket = { send: () => this.#texts++, close: () => {} }
    const connection = manager.addConnection('watcher', socket as unknown as WebSocket, 'watcher')
    connection.subscribe({ streamType: 'TRADES', symbol: 'A' })
    connection.subscribe({ streamType: 'CHART', symbol: BULK })
  }

  watch({ streamType, symbol }: Entry, publish: () => void): void {
    const before = this.#texts
    publish()
    if (streamType !== 'CHART' && !(streamType === 'TRADES' && symbol === 'A')) return
    this.local.due++
    if (this.#texts > before) this.local.heard++
  }
}
