import { once } from 'node:events'
import { WebSocketServer } from 'ws'
// In a project of your own: import { ConnectionManager } from 'stream-connection-manager'
import { ConnectionManager, serializeStreamMessage } from '../../dist/index.js'
import { CommandError, parseCommand } from './command.js'
import { noticeText } from './notice.js'

/** @import { IncomingMessage } from 'node:http' */
/** @import { AddressInfo } from 'node:net' */
/** @import { RawData, WebSocket } from 'ws' */
/** @import { Connection, ConnectionSubscribeRequest, PublishableMessage } from '../../dist/index.js' */
/** @import { Command, SubscriptionCommand } from './command.js' */
/** @import { Notice } from './notice.js' */
/** @import { TimelineMessage } from './timeline.js' */

/**
 * @typedef {object} Session a connection, and what the host has to remember about it
 * @property {WebSocket} socket
 * @property {Connection<WebSocket>} connection
 * @property {string} place which of its user's places it fills, such as `user-07/1`
 * @property {boolean} answered whether the peer answered the latest ping
 */

/** @typedef {Awaited<ReturnType<MarketServer['close']>>} Accounts */

/** A command is short: more than this is no client of ours. */
const LARGEST_COMMAND_BYTES = 16 * 1024
const HEARTBEAT_MS = 15_000
/** The close code for "you may not", as RFC 6455 has it. */
const POLICY_VIOLATION = 1008

/**
 * A WebSocket server around one `ConnectionManager`: it accepts, obeys commands and passes messages on.
 *
 * What it writes itself are notices with a `type`, in one order with the deliveries. Those that begin or end something
 * carry the position of the play, so that a client knows exactly from where on it has to receive what.
 */
export class MarketServer {
  /** How many commands were refused. */
  refusals = 0
  /** How many connections took the place of an earlier one. */
  reconnects = 0

  /** @type {ConnectionManager<WebSocket>} */
  #manager = new ConnectionManager()
  /** @type {Map<string, Session>} */
  #sessions = new Map()
  /**
   * Where each connection that is gone ended: only this demo's accounts need it.
   *
   * @type {Map<string, number>}
   */
  #departures = new Map()
  #accepted = 0
  #listener
  #heartbeat
  #position
  #onCueDone

  /**
   * @param {object} hooks
   * @param {() => number} hooks.position the position of the next message
   * @param {(cue: number) => void} hooks.onCueDone
   */
  constructor({ position, onCueDone }) {
    this.#position = position
    this.#onCueDone = onCueDone
    this.#manager.on('error', ({ error, stage, connection }) => {
      console.error(`Trouble with ${connection?.id ?? 'the server'} (${stage}):`, error)
    })
    this.#listener = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: LARGEST_COMMAND_BYTES })
    this.#listener.on('connection', (socket, request) => this.#accept(socket, request))
    // A server without a heartbeat keeps peers that vanished without a word. The timer itself keeps nothing alive.
    this.#heartbeat = setInterval(() => this.#checkHeartbeats(), HEARTBEAT_MS).unref()
  }

  /** The port, once it listens. */
  async listening() {
    if (!this.#listener.address()) await once(this.#listener, 'listening')
    return /** @type {AddressInfo} */ (this.#listener.address()).port
  }

  /** @param {TimelineMessage} message */
  publish(message) {
    this.#manager.publish(asStreamMessage(message))
  }

  /** Tells every client that the play is over. */
  announceEnd() {
    for (const session of this.#sessions.values()) this.#notify(session, { type: 'end' })
  }

  /**
   * Tells the client at a place that it is its turn to do something.
   *
   * @param {string} place
   * @param {number} cue
   */
  giveCue(place, cue) {
    this.#notify(this.#sessionAt(place), { type: 'cue', cue })
  }

  /** @param {string} place */
  socketAt(place) {
    return this.#sessionAt(place).socket
  }

  /** The most that waits to be sent to any one peer, in bytes. */
  mostBuffered() {
    let most = 0
    for (const { socket } of this.#sessions.values()) most = Math.max(most, socket.bufferedAmount)
    return most
  }

  /** Closes every connection, stops listening, and answers what the manager says of it all. */
  async close() {
    const { connectionCount, userCount } = this.#manager
    const cleanup = await this.#manager.cleanup()
    this.#stop()
    return { ...this.#manager.stats(), connectionCount, userCount, closed: cleanup.closed, refusals: this.refusals }
  }

  /** Ends at once, whatever is still to be sent. */
  terminate() {
    for (const socket of this.#listener.clients) socket.terminate()
    this.#stop()
  }

  #stop() {
    clearInterval(this.#heartbeat)
    this.#listener.close()
  }

  /**
   * @param {WebSocket} socket
   * @param {IncomingMessage} request
   */
  #accept(socket, request) {
    // First of all: an `error` that nobody listens to ends the process. A `close` always follows it.
    socket.on('error', (error) => console.error(`Trouble with a peer: ${error.message}`))
    const session = this.#admit(socket, request)
    if (!session) return
    socket.on('message', (data) => this.#obey(session, data))
    socket.on('pong', () => session.answered = true)
    socket.on('close', () => this.#depart(session, { close: false }))
  }

  /**
   * @param {WebSocket} socket
   * @param {IncomingMessage} request
   */
  #admit(socket, request) {
    try {
      const query = new URL(request.url ?? '/', 'ws://localhost').searchParams
      // A stand-in: here your server finds out who it is, by a cookie or a token, never by what the client claims.
      const userId = query.get('user') ?? ''
      const replaced = this.#replace(query.get('replaces'), userId)
      const connection = this.#manager.addConnection(`c${++this.#accepted}`, socket, userId)
      /** @type {Session} */
      const session = { socket, connection, place: `${userId}/${query.get('place')}`, answered: true }
      this.#sessions.set(connection.id, session)
      this.#notify(session, { type: 'welcome', connection: connection.id, replaced })
      return session
    } catch (error) {
      socket.close(POLICY_VIOLATION, refusalCode(error))
      return undefined
    }
  }

  /**
   * Ends the connection that a reconnecting client had before, and answers where it ended.
   *
   * The client may be back before the server noticed that it was gone. A connection of somebody else is left alone.
   *
   * @param {string | null} connectionId
   * @param {string} userId
   */
  #replace(connectionId, userId) {
    if (connectionId === null) return undefined
    this.reconnects++
    const session = this.#sessions.get(connectionId)
    if (session?.connection.userId === userId) {
      this.#depart(session, { close: false })
      session.socket.terminate()
    }
    return this.#departures.get(connectionId)
  }

  /**
   * @param {Session} session
   * @param {{ close?: boolean }} [options]
   */
  #depart({ connection }, options) {
    // Twice is normal: who left or was replaced is closed as well.
    if (!this.#sessions.delete(connection.id)) return
    this.#departures.set(connection.id, this.#position())
    void connection.remove(options)
  }

  /**
   * @param {Session} session
   * @param {RawData} data
   */
  #obey(session, data) {
    // What a connection that was removed still asks for must not subscribe its user anew.
    if (session.connection.removed) return
    try {
      this.#perform(session, parseCommand(data.toString()))
    } catch (error) {
      this.refusals++
      this.#notify(session, { type: 'refused', code: refusalCode(error) })
    }
  }

  /**
   * @param {Session} session
   * @param {Command} command
   */
  #perform(session, command) {
    switch (command.type) {
      case 'subscribe': return this.#subscribe(session, command)
      case 'unsubscribe': return this.#unsubscribe(session, command)
      case 'leave': return this.#leave(session)
      case 'cue done': return this.#onCueDone(command.cue)
    }
  }

  /**
   * @param {Session} session
   * @param {SubscriptionCommand} command
   */
  #subscribe(session, { scope, streamType, symbol }) {
    const { connection } = session
    // What a client asks for is known at run time alone, where the library checks it.
    const stream = /** @type {ConnectionSubscribeRequest} */ ({ streamType, symbol })
    // The user is the one whom the connection was opened for: a command cannot name another.
    if (scope === 'user') this.#manager.addSubscription({ ...stream, userId: connection.userId })
    else connection.subscribe(stream)
    this.#notify(session, { type: 'subscribed' })
  }

  /**
   * @param {Session} session
   * @param {SubscriptionCommand} command
   */
  #unsubscribe(session, { scope, streamType, symbol }) {
    const { connection } = session
    const found = scope === 'user'
      ? this.#manager.removeSubscription({ userId: connection.userId, streamType, symbol })
      : connection.unsubscribe({ streamType, symbol })
    this.#notify(session, { type: 'unsubscribed', found })
  }

  /** @param {Session} session */
  #leave(session) {
    this.#notify(session, { type: 'left' })
    this.#depart(session)
  }

  /**
   * @param {Session} session
   * @param {Omit<Notice, 'position'>} notice
   */
  #notify({ socket }, notice) {
    socket.send(noticeText({ ...notice, position: this.#position() }))
  }

  /** @param {string} place */
  #sessionAt(place) {
    for (const session of this.#sessions.values()) if (session.place === place) return session
    throw new Error(`${place} is not connected`)
  }

  #checkHeartbeats() {
    for (const session of this.#sessions.values()) {
      if (session.answered) session.socket.ping()
      else session.socket.terminate()
      session.answered = false
    }
  }
}

/**
 * A message's text on the wire, as the library writes it.
 *
 * @param {TimelineMessage} message
 */
export function deliveryText(message) {
  return serializeStreamMessage(asStreamMessage(message))
}

/**
 * @param {TimelineMessage} message
 * @returns {PublishableMessage} as the library finds out when it is published
 */
function asStreamMessage({ streamType, symbol, data, timestampMs, userId }) {
  const message = { streamType, symbol, data, timestamp: new Date(timestampMs), userId }
  return /** @type {PublishableMessage} */ (message)
}

/**
 * The library's errors carry a stable `code`; anything without one is a mistake of this server.
 *
 * @param {unknown} error
 */
function refusalCode(error) {
  if (error instanceof CommandError) return 'ERR_BAD_COMMAND'
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (typeof code === 'string') return code
  console.error('Trouble in the server:', error)
  return 'ERR_INTERNAL'
}
