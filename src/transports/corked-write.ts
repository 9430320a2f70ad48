/** A socket that collects what is sent within `cork`, and whose `send` answers what became of a text. */
interface CorkedSocket {
  send(text: string): number
  cork(callback: () => void): unknown
}

/** Sends texts as one write, up to the first that is dropped; how many were accepted. Throws what the socket throws. */
export function corkedWrite<TSocket extends CorkedSocket>(
  socket: TSocket,
  texts: readonly string[],
  isDropped: (socket: TSocket, status: number, text: string) => boolean,
): number {
  // A closed socket may not call back at all.
  let accepted = 0
  socket.cork(() => {
    const firstDropped = texts.findIndex((text) => isDropped(socket, socket.send(text), text))
    accepted = firstDropped === -1 ? texts.length : firstDropped
  })
  return accepted
}
