import { ConnectionManagerError, describe } from '../../errors.ts'
import { disown } from '../../guards/user-code.ts'
import { Pulse } from '../../time/pulse.ts'

/** A socket that sends pings. The `WebSocket` of ws 8 and of @fastify/websocket fits as it is. */
export interface PingingSocket {
  /** Sends a ping frame. */
  ping(): unknown
  /** Ends the connection at once. */
  terminate(): unknown
  /** Calls the listener at each pong. */
  on(event: 'pong', listener: () => void): unknown
  /** Removes the listener. */
  off(event: 'pong', listener: () => void): unknown
}

/** A response with server-sent events. The socket of `sseSocket` fits as it is. */
export interface CommentingSocket {
  /** Sends a comment. Ends the response if earlier comments stay unsent for too long. */
  comment(): unknown
}

/** A socket that can show whether its peer is still there. */
export type BeatingSocket = PingingSocket | CommentingSocket

/** The heartbeat of one peer. */
export interface Heart {
  /** Sends a ping or a comment, and returns true. If the peer counts as gone, sends nothing and returns false. */
  beat(): boolean
  /** Ends the socket of a peer that counts as gone. */
  end(): void
  /** Removes the listener that was added to the socket, if there is one. */
  release(): void
}

/** @throws `ERR_INVALID_SOCKET` for a socket that can send neither pings nor comments, and any error that the socket throws */
export function heartOf(socket: unknown, mostMissed: number): Heart {
  if (hasMethods<PingingSocket>(socket, ['ping', 'terminate', 'on', 'off'])) return pingingHeart(socket, mostMissed)
  if (hasMethods<CommentingSocket>(socket, ['comment'])) return commentingHeart(socket)
  disown(socket)
  throw new ConnectionManagerError('ERR_INVALID_SOCKET', `Expected a socket with \`ping\` and \`terminate\`, or with \`comment\`, got ${describe(socket)}`)
}

function pingingHeart(socket: PingingSocket, mostMissed: number): Heart {
  const pulse = new Pulse(() => disown(socket.ping()), mostMissed)
  const heard = (): void => pulse.heard()
  socket.on('pong', heard)
  return {
    beat: () => pulse.beat(),
    end: () => disown(socket.terminate()),
    release: () => void socket.off('pong', heard),
  }
}

/** The socket of an event stream ends itself if its comments stay unsent for too long. */
function commentingHeart(socket: CommentingSocket): Heart {
  return {
    beat() {
      disown(socket.comment())
      return true
    },
    end() {},
    release() {},
  }
}

function hasMethods<TSocket>(socket: unknown, methods: readonly string[]): socket is TSocket {
  return typeof socket === 'object' && socket !== null && methods.every((method) => typeof (socket as Record<string, unknown>)[method] === 'function')
}
