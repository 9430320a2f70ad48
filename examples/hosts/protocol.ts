import type { ConnectionManager, Socket, StreamCatalogue } from 'stream-connection-manager'
import { drainOf } from 'stream-connection-manager/operations'
import type { CommandServer, Session } from 'stream-connection-manager/protocol'

// Shared by the recipes, in any runtime: who a client is, and how it is admitted. The recipes with `serveWebSockets` or `serveEvents` need
// only the first half.

/** Who a client is. */
export interface Identity {
  readonly userId: string
}

/**
 * Returns the user of this request, or `undefined` for a client that nobody knows. A placeholder: authenticate by a session or a token, and
 * check the `Origin` too.
 */
export function authenticate({ url = '' }: { readonly url?: string | undefined }): Identity | undefined {
  const query = /\?(.*)/.exec(url)?.[1] // unlike `new URL`, this accepts anything that a client may have sent
  const userId = new URLSearchParams(query).get('user')
  return userId ? { userId } : undefined
}

/** What a client is admitted to. */
export interface Desk<TSocket extends Socket, TStreams extends StreamCatalogue> {
  readonly manager: ConnectionManager<TSocket, TStreams>
  readonly commands: CommandServer<TSocket, TStreams>
}

export interface AdmitOptions {
  /** The host's own id of the connection, if that is unique. */
  readonly connectionId?: string
  /** Closes a refused socket after it has sent the reason, if the socket's own `close` would not send it. */
  readonly close?: (code: number, reason: string) => void
}

/** Most sockets take a code and a reason. The others ignore them. */
interface TellingSocket {
  close(code: number, reason: string): unknown
}

/** Code of a refusal → close code, as the protocol has it. Any other code: try again later. */
const CLOSE_CODES: ReadonlyMap<string, number> = new Map([['ERR_UNAUTHENTICATED', 4401], ['ERR_QUOTA_EXCEEDED', 4429]])
const TRY_AGAIN_LATER = 1013

/**
 * Registers a socket for this user and welcomes it. Give the session what the client sends: it never throws.
 *
 * A socket without a user is told why and closed, and so is one that the manager refuses (a quota, a shutdown). While the manager drains, a newcomer is
 * told when to come back, and closed with 1012. In all of these cases, the result is `undefined`.
 */
export function admit<TSocket extends Socket, TStreams extends StreamCatalogue>(
  { manager, commands }: Desk<TSocket, TStreams>,
  socket: TSocket,
  user: Identity | undefined,
  { connectionId = crypto.randomUUID(), close = (code, reason) => (socket as TellingSocket).close(code, reason) }: AdmitOptions = {},
): Session<TSocket, TStreams> | undefined {
  const refusal = drainOf(manager)?.refusal()
  if (refusal !== undefined) return turnAway(socket, refusal.text, () => close(refusal.code, refusal.reason))
  try {
    if (user === undefined) throw Object.assign(new Error('Nobody knows this client'), { code: 'ERR_UNAUTHENTICATED' })
    return commands.open(manager.addConnection(connectionId, socket, user.userId))
  } catch (error) {
    const code = codeOf(error)
    return turnAway(socket, JSON.stringify({ type: 'refused', code }), () => close(CLOSE_CODES.get(code) ?? TRY_AGAIN_LATER, code))
  }
}

/** There is no connection to answer on. The socket may be closed by now, and throw or reject. */
function turnAway(socket: Socket, text: string, close: () => void): undefined {
  void attempt(() => socket.send(text))
  void attempt(close)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'ERR_FAILED'
}

/** Does something and ignores a throw or a rejection. */
async function attempt(act: () => unknown): Promise<void> {
  try {
    await act()
  } catch {}
}
