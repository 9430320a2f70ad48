import {
  parseStreamKey, type Connection, type ConnectionManager, type ConnectionSubscribeRequest, type Socket, type StreamCatalogue,
  type StreamReference, type Subscription,
} from 'stream-connection-manager'

// Shared by the recipes, in any runtime: how a client says who it is and what it wants, and how it is answered.

/** What a client asks of its own connection. */
export interface Command {
  readonly command: 'subscribe' | 'unsubscribe'
  readonly streamType: string
  readonly symbol?: string | undefined
}

/** What a client gets besides messages and gap notices, in one order with them. */
export type Answer =
  | { readonly type: 'welcome'; readonly connectionId: string }
  | { readonly type: 'subscribed' | 'unsubscribed'; readonly streamType: string; readonly symbol?: string | undefined }
  | { readonly type: 'refused'; readonly code: string }

/** Sends the state from which a new subscription starts. It is synchronous, so the state comes after `subscribed` and before the next message. */
export type SendSnapshot<TSocket extends Socket, TStreams extends StreamCatalogue> = (
  connection: Connection<TSocket, TStreams>,
  subscription: Subscription,
) => void

export interface AdmitOptions {
  /** The host's own id of the connection, if that is unique. */
  readonly connectionId?: string
  /** Closes a refused socket after it has sent the answer, if the socket's own `close` would not send it. */
  readonly close?: () => void
}

/** A connection with any catalogue. */
type Answered = Pick<Connection, 'removed' | 'send' | 'remove'>

/** Not every host limits the size of what comes in. */
const LONGEST_COMMAND = 16 * 1024

/** Returns the user of this URL. A placeholder: authenticate by a session or a token, and check the `Origin` too. */
export function authenticate(url: string | undefined): string | undefined {
  return queryOf(url).get('user') ?? undefined
}

/**
 * Registers a socket for this user and welcomes it.
 *
 * A socket without a user is told why and closed, and so is one that the manager refuses (a quota, a shutdown). Then the result is
 * `undefined`.
 */
export function admit<TSocket extends Socket, TStreams extends StreamCatalogue>(
  manager: ConnectionManager<TSocket, TStreams>,
  socket: TSocket,
  userId: string | undefined,
  { connectionId = crypto.randomUUID(), close = () => socket.close() }: AdmitOptions = {},
): Connection<TSocket, TStreams> | undefined {
  try {
    if (userId === undefined) throw coded('ERR_UNAUTHENTICATED')
    const connection = manager.addConnection(connectionId, socket, userId)
    tell(connection, { type: 'welcome', connectionId })
    return connection
  } catch (error) {
    // There is no connection to answer on. The socket may be closed by now, and throw or reject.
    void attempt(() => socket.send(JSON.stringify(refusalOf(error))))
    void attempt(close)
    return undefined
  }
}

/**
 * Carries out a client's command, as JSON, on its own connection only, so a client cannot act as another user. Never throws.
 *
 * If the snapshot cannot be sent, the subscription ends, because later messages would have nothing to build on.
 */
export function obey<TSocket extends Socket, TStreams extends StreamCatalogue>(
  connection: Connection<TSocket, TStreams> | undefined,
  text: unknown,
  sendSnapshot?: SendSnapshot<TSocket, TStreams>,
): void {
  if (connection === undefined) return
  answering(connection, () => {
    const { command, ...stream } = commandIn(text)
    if (command === 'subscribe') subscribe(connection, stream, sendSnapshot)
    else if (command === 'unsubscribe') unsubscribe(connection, stream)
    else throw coded('ERR_BAD_COMMAND')
  })
}

/** Subscribes to the streams of a URL, `?stream=PRICE:BTCUSDT&stream=ORDER_UPDATES`: for clients that cannot send. */
export function obeyUrl<TSocket extends Socket, TStreams extends StreamCatalogue>(
  connection: Connection<TSocket, TStreams> | undefined,
  url: string | undefined,
  sendSnapshot?: SendSnapshot<TSocket, TStreams>,
): void {
  if (connection === undefined) return
  for (const key of queryOf(url).getAll('stream')) answering(connection, () => subscribe(connection, parseStreamKey(key), sendSnapshot))
}

/** Unlike `new URL`, this accepts anything that a client may have sent. */
function queryOf(url = ''): URLSearchParams {
  return new URLSearchParams(/\?(.*)/.exec(url)?.[1])
}

function commandIn(text: unknown): Command {
  if (typeof text !== 'string' || text.length > LONGEST_COMMAND) throw coded('ERR_BAD_COMMAND')
  return Object(JSON.parse(text)) as Command
}

/** Answers with the refusal, because a client's mistake must not end the server. */
function answering(connection: Answered, act: () => void): void {
  if (connection.removed) return
  try {
    act()
  } catch (error) {
    tell(connection, refusalOf(error))
  }
}

/** Passes the stream on as it came, because the manager checks it. */
function subscribe<TSocket extends Socket, TStreams extends StreamCatalogue>(
  connection: Connection<TSocket, TStreams>,
  stream: StreamReference,
  sendSnapshot: SendSnapshot<TSocket, TStreams> = () => {},
): void {
  const subscription = connection.subscribe(stream as ConnectionSubscribeRequest<TStreams>)
  const { streamType, symbol } = subscription
  tell(connection, { type: 'subscribed', streamType, symbol })
  try {
    sendSnapshot(connection, subscription)
  } catch (error) {
    connection.unsubscribe({ streamType, symbol })
    throw error
  }
}

function unsubscribe(connection: Answered & Pick<Connection, 'unsubscribe'>, stream: StreamReference): void {
  connection.unsubscribe(stream)
  tell(connection, { type: 'unsubscribed', streamType: stream.streamType, symbol: stream.symbol ?? undefined })
}

/**
 * With `connection.send`, an answer keeps its place among the messages and counts against the limits. So a client that asks without end
 * and does not read ends as a slow consumer. If an answer is refused, its connection is removed, and the host sees no error.
 */
function tell(connection: Answered, answer: Answer): void {
  const text = JSON.stringify(answer)
  try {
    connection.send(text)
  } catch {
    void connection.remove()
  }
}

/** Does something and ignores a throw or a rejection. */
async function attempt(act: () => unknown): Promise<void> {
  try {
    await act()
  } catch {}
}

function refusalOf(error: unknown): Answer {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'ERR_BAD_COMMAND'
  return { type: 'refused', code }
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code })
}
