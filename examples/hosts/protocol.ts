import {
  parseStreamKey, type Connection, type ConnectionManager, type ConnectionSubscribeRequest, type Socket,
} from 'stream-connection-manager'

// What the recipes share, in any runtime: how a client says who it is and what it wants, and how it is answered.

/** What a client asks of its own connection. */
export interface Command {
  readonly command: 'subscribe' | 'unsubscribe'
  readonly streamType: string
  readonly symbol?: string | undefined
}

/** What a client is told besides messages and gap notices, in one order with them. */
export type Answer =
  | { readonly type: 'welcome'; readonly connectionId: string }
  | { readonly type: 'subscribed' | 'unsubscribed'; readonly streamType: string; readonly symbol?: string | undefined }
  | { readonly type: 'refused'; readonly code: string }

export interface AdmitOptions {
  /** The host's own id of the connection, where it has one that is unique. */
  readonly connectionId?: string
  /** Closes a socket that is refused once it has sent the answer, where the socket's own `close` would not send it. */
  readonly close?: () => void
}

/** Who asks for this URL. A stand-in: authenticate for real, by a session or a token, and check the `Origin`, too. */
export function authenticate(url: string | undefined): string | undefined {
  return queryOf(url).get('user') ?? undefined
}

/**
 * Registers a socket for this user and welcomes it.
 *
 * A socket of nobody, and one that the manager refuses (by a quota, or as it shuts down), is told why and closed; then there is no
 * connection.
 */
export function admit<TSocket extends Socket>(
  manager: ConnectionManager<TSocket>,
  socket: TSocket,
  userId: string | undefined,
  { connectionId = crypto.randomUUID(), close = () => void socket.close() }: AdmitOptions = {},
): Connection<TSocket> | undefined {
  try {
    if (userId === undefined) throw coded('ERR_UNAUTHENTICATED')
    const connection = manager.addConnection(connectionId, socket, userId)
    socket.send(textOf({ type: 'welcome', connectionId }))
    return connection
  } catch (error) {
    socket.send(textOf(refusalOf(error)))
    close()
    return undefined
  }
}

/** Carries out a client's command, as JSON, on its own connection alone: nobody can listen as somebody else. */
export function obey(connection: Connection | undefined, text: string): void {
  if (connection !== undefined) carryOut(connection, () => Object(JSON.parse(text)))
}

/** Subscribes to the streams of a URL, `?stream=PRICE:BTCUSDT&stream=ORDER_UPDATES`: for clients that cannot send. */
export function obeyUrl(connection: Connection | undefined, url: string | undefined): void {
  if (connection === undefined) return
  for (const key of queryOf(url).getAll('stream')) carryOut(connection, () => ({ command: 'subscribe', ...parseStreamKey(key) }))
}

/** Unlike `new URL`, this takes whatever a client may have sent. */
function queryOf(url = ''): URLSearchParams {
  return new URLSearchParams(/\?(.*)/.exec(url)?.[1])
}

/** A refusal is an answer: a client's mistake is not to end the server. */
function carryOut(connection: Connection, read: () => Command): void {
  if (connection.removed) return
  let answer: Answer
  try {
    answer = done(connection, read())
  } catch (error) {
    answer = refusalOf(error)
  }
  connection.flush() // what was published before leaves before
  connection.socket.send(textOf(answer))
}

/** The stream is passed on as it came: the manager checks it. */
function done(connection: Connection, { command, ...stream }: Command): Answer {
  switch (command) {
    case 'subscribe':
      connection.subscribe(stream as ConnectionSubscribeRequest)
      return { type: 'subscribed', ...stream }
    case 'unsubscribe':
      connection.unsubscribe(stream)
      return { type: 'unsubscribed', ...stream }
    default:
      throw coded('ERR_BAD_COMMAND')
  }
}

function refusalOf(error: unknown): Answer {
  return { type: 'refused', code: error instanceof Error && 'code' in error ? String(error.code) : 'ERR_BAD_COMMAND' }
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code })
}

function textOf(answer: Answer): string {
  return JSON.stringify(answer)
}
