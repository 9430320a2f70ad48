import { once } from 'node:events'
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
// In a project of your own: 'stream-connection-manager', 'stream-connection-manager/transports/sse', and so on
import {
  ConnectionManager, defineStreams, parseStreamKey, serializeStreamMessage, tradingStreams,
} from '../../dist/index.js'
import { createRecovery } from '../../dist/recovery.js'
import { sseHeaders, sseSocket, sseTransport } from '../../dist/transports/sse.js'
import { wsTransport } from '../../dist/transports/ws.js'
import { CommandError, parseCommand } from './command.js'
import { HARD_LIMIT_BYTES, HISTORY, REPLAY } from './limits.js'
import { noticeText } from './notice.js'

/** @import { IncomingMessage, ServerResponse } from 'node:http' */
/** @import { AddressInfo } from 'node:net' */
/** @import { RawData, WebSocket } from 'ws' */
/** @import { CloseReason, Connection, ConnectionSubscribeRequest, PublishableMessage } from '../../dist/index.js' */
/** @import { Transport } from '../../dist/index.js' */
/** @import { Recovery, ResumeRequest } from '../../dist/recovery.js' */
/** @import { SseSocket } from '../../dist/transports/sse.js' */
/** @import { WsFrame } from '../../dist/transports/ws.js' */
/** @import { Command, SubscriptionCommand } from './command.js' */
/** @import { Notice } from './notice.js' */
/** @import { TimelineMessage } from './timeline.js' */

/**
 * @typedef {WebSocket | SseSocket} ClientSocket
 *
 * @typedef {Connection<ClientSocket, typeof STREAMS>} ClientConnection
 *
 * @typedef {object} Session a connection, and what the host has to remember about it
 * @property {ClientSocket} socket
 * @property {ClientConnection} connection
 * @property {string} place which of its user's places it fills, such as `user-07/1`
 * @property {boolean} answered whether the peer answered the latest ping
 * @property {boolean} slow whether the play goes on without waiting for it
 * @property {number} notices how many it was told
 */

/** @typedef {Awaited<ReturnType<MarketServer['close']>>} Accounts */

/** Trades may have holes, if the client is told where. A price may skip, by default; the rest has to be whole. */
export const STREAMS = defineStreams({ ...tradingStreams, TRADES: { audience: 'public', overflow: 'drop' } })

/** A command is short: more than this is no client of ours. */
const LARGEST_COMMAND_BYTES = 16 * 1024
const HEARTBEAT_MS = 15_000
/** The close code for "you may not", as RFC 6455 has it. */
const POLICY_VIOLATION = 1008
const FORBIDDEN = 403
const NOT_FOUND = 404
const OK = 200

/**
 * A server of WebSockets and server-sent events around one `ConnectionManager`: it accepts, obeys commands and passes
 * messages on.
 *
 * What it writes itself are notices with a `type`, in one order with the deliveries. Those that begin or end something
 * carry the position of the play, so that a client knows exactly from where on it has to receive what.
 */
export class MarketServer {
  /** How many commands were refused. */
  refusals = 0
  /** How many connections took the place of an earlier one. */
  reconnects = 0
  /** How many connections the manager ended because too much waited for them. */
  slowConsumers = 0

  /** @type {Recovery<typeof STREAMS>} */
  #recovery = createRecovery({ history: HISTORY, replay: REPLAY })
  /** @type {ConnectionManager<ClientSocket, typeof STREAMS>} */
  #manager = new ConnectionManager({
    streams: STREAMS, delivery: { hardLimitBytes: HARD_LIMIT_BYTES }, recorder: this.#recovery,
  })
  #webSockets
  #events = sseTransport()
  /** @type {Map<string, Session>} */
  #sessions = new Map()
  /**
   * Where each connection that is gone ended: only this demo's accounts need it.
   *
   * @type {Map<string, number>}
   */
  #departures = new Map()
  #accepted = 0
  /** How many deliveries had to wait. */
  #queued = 0
  /** How many messages clients that came back were sent again. */
  #replayed = 0
  /** How many notices there were, and how many of them were for connections that were cut: the manager counts them with the rest. */
  #notices = { all: 0, cut: 0 }
  #http
  #listener
  #heartbeat
  #position
  #onCueDone
  #onTooSlow

  /**
   * @param {object} hooks
   * @param {() => number} hooks.position the position of the next message
   * @param {(cue: number) => void} hooks.onCueDone
   * @param {(place: string) => void} hooks.onTooSlow the client at a place was disconnected, as too much waited for it
   * @param {Transport<WebSocket, WsFrame>} [hooks.transport]
   */
  constructor({ position, onCueDone, onTooSlow, transport = wsTransport() }) {
    this.#position = position
    this.#onCueDone = onCueDone
    this.#onTooSlow = onTooSlow
    this.#webSockets = transport
    this.#manager.on('connectionRemoved', ({ connection, reason }) => this.#forget(connection.id, reason))
    this.#manager.on('error', ({ error, stage, connection }) => {
      // A peer may go while something is on its way to it. Its connection is removed, and that is told as well.
      if (stage === 'send') return
      console.error(`Trouble with ${connection?.id ?? 'the server'} (${stage}):`, error)
    })
    this.#http = createServer((request, response) => this.#serve(request, response)).listen(0, '127.0.0.1')
    this.#listener = new WebSocketServer({ server: this.#http, maxPayload: LARGEST_COMMAND_BYTES })
    this.#listener.on('connection', (socket, request) => this.#accept(socket, request))
    // A server without a heartbeat keeps peers that vanished without a word. The timer itself keeps nothing alive.
    this.#heartbeat = setInterval(() => this.#checkHeartbeats(), HEARTBEAT_MS).unref()
  }

  /** The port, once it listens. */
  async listening() {
    if (!this.#http.listening) await once(this.#http, 'listening')
    return /** @type {AddressInfo} */ (this.#http.address()).port
  }

  /** @param {TimelineMessage} message */
  publish(message) {
    this.#queued += this.#manager.publish(asStreamMessage(message)).queued
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

  /**
   * Whether a socket is that of the client at a place.
   *
   * @param {string} place
   * @param {ClientSocket} socket
   */
  isAt(place, socket) {
    return this.#find(place)?.socket === socket
  }

  /**
   * From now on the play does not wait for the client at a place: the manager sees to it that no more waits than may.
   *
   * @param {string} place
   */
  beginSlow(place) {
    const session = this.#sessionAt(place)
    session.slow = true
    this.#notify(session, { type: 'slow' })
  }

  /**
   * Tells a slow client that from here on it gets everything again, in one order, once that is so.
   *
   * @param {string} place
   */
  endSlow(place) {
    const session = this.#sessionAt(place)
    if (!session.connection.flush()) return false
    session.slow = false
    this.#notify(session, { type: 'caught up' })
    return true
  }

  /**
   * Hands all that was published to the sockets, as far as they have room.
   *
   * @param {(session: Session) => boolean} [isMeant]
   */
  flush(isMeant = () => true) {
    for (const session of this.#sessions.values()) if (isMeant(session)) session.connection.flush()
  }

  /** The most that the socket of any one peer that keeps up has not sent yet, in bytes. */
  mostBuffered() {
    let most = 0
    for (const { socket, slow } of this.#sessions.values()) if (!slow) most = Math.max(most, socket.bufferedAmount)
    return most
  }

  /** Closes every connection, stops listening, and answers what the manager says of it all. */
  async close() {
    const { connectionCount, userCount } = this.#manager
    const cleanup = await this.#manager.cleanup()
    this.#stop()
    return {
      ...this.#manager.stats(), hadToWait: this.#queued, notices: this.#notices, slowConsumers: this.slowConsumers,
      connectionCount, userCount, closed: cleanup.closed, refusals: this.refusals,
      resumes: this.#recovery.stats().resumes, replayed: this.#replayed,
    }
  }

  /** Ends at once, whatever is still to be sent. */
  terminate() {
    for (const socket of this.#listener.clients) socket.terminate()
    this.#http.closeAllConnections()
    this.#stop()
  }

  #stop() {
    clearInterval(this.#heartbeat)
    this.#listener.close()
    this.#http.close()
  }

  /**
   * @param {WebSocket} socket
   * @param {IncomingMessage} request
   */
  #accept(socket, request) {
    // First of all: an `error` that nobody listens to ends the process. A `close` always follows it.
    socket.on('error', (error) => console.error(`Trouble with a peer: ${error.message}`))
    const session = this.#welcomeOver(socket, request)
    if (!session) return
    socket.on('message', (data) => this.#obey(session, data))
    socket.on('pong', () => session.answered = true)
    socket.on('close', () => void session.connection.remove({ close: false }))
  }

  /**
   * @param {WebSocket} socket
   * @param {IncomingMessage} request
   */
  #welcomeOver(socket, request) {
    try {
      const { session, replaced } = this.#admit(urlOf(request).searchParams, (id, userId) => {
        return this.#manager.addConnection(id, socket, userId, { transport: this.#webSockets })
      })
      this.#welcome(session, replaced)
      return session
    } catch (error) {
      socket.close(POLICY_VIOLATION, refusalCode(error))
      return undefined
    }
  }

  /**
   * Answers a plain request: with server-sent events, or not at all.
   *
   * @param {IncomingMessage} request
   * @param {ServerResponse} response
   */
  #serve(request, response) {
    const socket = sseSocket(response)
    try {
      const { pathname, searchParams } = urlOf(request)
      if (pathname !== '/events') return void response.writeHead(NOT_FOUND).end()
      const { session, replaced } = this.#admit(searchParams, (id, userId) => {
        const connection = this.#manager.addConnection(id, socket, userId, { transport: this.#events })
        // Before it is subscribed: a subscribe may write at once.
        response.writeHead(OK, sseHeaders)
        return connection
      })
      this.#welcome(session, replaced)
      if (searchParams.has('cue')) this.#onCueDone(Number(searchParams.get('cue')))
      void socket.closed.then(() => session.connection.remove({ close: false }))
    } catch (error) {
      if (!response.headersSent) response.writeHead(FORBIDDEN)
      response.end(refusalCode(error))
    }
  }

  /**
   * Lets a client in, and subscribes it to what its address asks for, from the positions that it has there.
   *
   * Server-sent events cannot ask later. And a client that comes back gets what it missed before anything else is published.
   *
   * @param {URLSearchParams} query
   * @param {(id: string, userId: string) => ClientConnection} connect
   */
  #admit(query, connect) {
    const requests = readRequests(query)
    // A stand-in: here your server finds out who it is, by a cookie or a token, never by what the client claims.
    const userId = query.get('user') ?? ''
    const replaced = this.#replace(query.get('replaces'), userId)
    const connection = connect(`c${++this.#accepted}`, userId)
    const { socket } = connection
    /** @type {Session} */
    const session = { socket, connection, place: `${userId}/${query.get('place')}`, answered: true, slow: false, notices: 0 }
    this.#sessions.set(connection.id, session)
    try {
      for (const request of requests) this.#listen(session, request)
    } catch (error) {
      void connection.remove({ close: false })
      throw error
    }
    return { session, replaced }
  }

  /**
   * Subscribes a connection by way of the recovery: that answers with a position and, if the client has one already, with
   * what it missed.
   *
   * @param {Session} session
   * @param {ResumeRequest<typeof STREAMS, keyof typeof STREAMS>} request
   */
  #listen(session, request) {
    const { recovered, replayed } = this.#recovery.subscribe(session.connection, request)
    this.#countNotices(session, 1)
    if (recovered) this.#replayed += replayed
  }

  /**
   * @param {Session} session
   * @param {number | undefined} replaced
   */
  #welcome(session, replaced) {
    this.#notify(session, { type: 'welcome', connection: session.connection.id, replaced })
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
      void session.connection.remove({ close: false })
      session.socket.terminate()
    }
    return this.#departures.get(connectionId)
  }

  /**
   * Notes that a connection is gone, for whatever reason: the manager tells each end once, however often it is removed.
   *
   * @param {string} connectionId
   * @param {CloseReason} reason
   */
  #forget(connectionId, reason) {
    const session = this.#sessions.get(connectionId)
    if (!session) return
    this.#sessions.delete(connectionId)
    this.#departures.set(connectionId, this.#position())
    if (reason !== 'removed' && reason !== 'cleanup') this.#notices.cut += session.notices
    if (reason !== 'slow-consumer') return
    this.slowConsumers++
    this.#onTooSlow(session.place)
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
    const stream = asRequest({ streamType, symbol })
    // The user is the one whom the connection was opened for: a command cannot name another.
    if (scope === 'user') this.#manager.addSubscription({ ...stream, userId: connection.userId })
    else {
      // The recovery purges what waits of the stream, which the user may have asked for as well.
      connection.flush()
      this.#listen(session, stream)
    }
    this.#notify(session, { type: 'listening' })
  }

  /**
   * @param {Session} session
   * @param {SubscriptionCommand} command
   */
  #unsubscribe(session, { scope, streamType, symbol }) {
    const { connection } = session
    // What was published up to here is still theirs, and ending the subscription would take back what has not left.
    this.flush((each) => each.connection.userId === connection.userId)
    const found = scope === 'user'
      ? this.#manager.removeSubscription({ userId: connection.userId, streamType, symbol })
      : connection.unsubscribe({ streamType, symbol })
    this.#notify(session, { type: 'unsubscribed', found, stream_type: streamType, symbol })
  }

  /** @param {Session} session */
  #leave(session) {
    this.#notify(session, { type: 'left' })
    void session.connection.remove()
  }

  /**
   * Sends a notice in one order with the deliveries, behind all that was published before, and at once.
   *
   * It counts against the limits as they do. To a client that is behind it comes ahead of the public messages that wait: its position
   * tells what it holds for, all the same.
   *
   * @param {Session} session
   * @param {Omit<Notice, 'position'>} notice
   */
  #notify(session, notice) {
    const { matched } = session.connection.send(noticeText({ ...notice, position: this.#position() }))
    this.#countNotices(session, matched)
    session.connection.flush()
  }

  /**
   * @param {Session} session
   * @param {number} count
   */
  #countNotices(session, count) {
    session.notices += count
    this.#notices.all += count
  }

  /** @param {string} place */
  #sessionAt(place) {
    const session = this.#find(place)
    if (session) return session
    throw new Error(`${place} is not connected`)
  }

  /** @param {string} place */
  #find(place) {
    for (const session of this.#sessions.values()) if (session.place === place) return session
    return undefined
  }

  #checkHeartbeats() {
    for (const session of this.#sessions.values()) {
      const { socket } = session
      if ('comment' in socket) socket.comment()
      // What a slow client has to answer may be far behind in what it has to read: the manager's limit is its deadline.
      else if (session.answered || session.slow) socket.ping()
      else socket.terminate()
      session.answered = false
    }
  }
}

/**
 * The streams that a client's address asks for, each with the position that the client has, or an empty one.
 *
 * @param {URLSearchParams} query
 */
function readRequests(query) {
  const positions = query.getAll('position')
  return query.getAll('stream').map((key, index) => {
    return { ...asRequest(parseStreamKey(key)), position: positions[index] || undefined }
  })
}

/**
 * A message's text on the wire, as the library writes it, without its number.
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
 * What a client asks for is known at run time alone, where the library checks it.
 *
 * @param {{ streamType: string, symbol: string | undefined }} stream
 */
function asRequest(stream) {
  return /** @type {ConnectionSubscribeRequest<typeof STREAMS>} */ (stream)
}

/** @param {IncomingMessage} request */
function urlOf({ url = '/' }) {
  return new URL(url, 'http://localhost')
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
