import { once } from 'node:events'
import { connect as connectSession, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { text } from 'node:stream/consumers'
import type { CloseDetails, StreamReference } from 'stream-connection-manager'
import { onEvent, pathOf } from './events.ts'
import { Inbox } from './inbox.ts'
import type { RecipeClient } from './recipe-client.ts'
import { vanish } from './vanish.ts'

/** Connects a client of server-sent events, over an HTTP/2 session of its own, which stays open as those of browsers do. */
export async function connectHttp2(port: number, userId: string, streams: readonly StreamReference[]): Promise<RecipeClient> {
  const inbox = new Inbox()
  const tcp = connectTcp(port, '127.0.0.1')
  const session = connectSession(`http://127.0.0.1:${port}`, { createConnection: () => tcp }).on('error', inbox.fail)
  const stream = session.request({ ':path': pathOf(userId, streams) }).on('error', inbox.fail)
  const [{ ':status': status }] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }]
  if (status !== 200) {
    const refusal = await text(stream)
    session.destroy()
    throw new Error(`The server refused: ${refusal}`)
  }
  let closedWith: CloseDetails | undefined
  onEvent(stream, (data, type) => {
    if (type === 'close') closedWith = JSON.parse(data) as CloseDetails
    else inbox.take(data)
  })
  const closed = new Promise<void>((resolve) => stream.once('close', resolve))
  void closed.then(() => inbox.fail(new Error('The stream is over')))
  await inbox.answers(1 + streams.length)
  return {
    received: inbox.received,
    closed,
    close: () => stream.close(),
    destroy: () => vanish(tcp),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    sendBytes: (bytes) => void tcp.write(bytes),
    freeze: () => void stream.pause(),
    closedWith: () => closedWith,
    feelsBeat: () => new Promise((resolve) => stream.once('data', () => resolve())),
  }
}
