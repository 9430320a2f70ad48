import { get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { CloseDetails, StreamReference } from 'stream-connection-manager'
import { onEvent, pathOf } from './events.ts'
import { Inbox } from './inbox.ts'
import type { RecipeClient } from './recipe-client.ts'
import { vanish } from './vanish.ts'

/** Connects a client of server-sent events, over node:http. */
export async function connectSse(port: number, userId: string, streams: readonly StreamReference[]): Promise<RecipeClient> {
  const inbox = new Inbox()
  const response = await responseTo(`http://127.0.0.1:${port}${pathOf(userId, streams)}`)
  response.on('error', inbox.fail)
  if (response.statusCode !== 200) throw new Error(`The server refused: ${await text(response)}`)
  let closedWith: CloseDetails | undefined
  onEvent(response, (data, type) => {
    if (type === 'close') closedWith = JSON.parse(data) as CloseDetails
    else inbox.take(data)
  })
  const closed = new Promise<void>((resolve) => response.once('close', resolve))
  void closed.then(() => inbox.fail(new Error('The response is over')))
  await inbox.answers(1 + streams.length)
  const { socket } = response
  return {
    received: inbox.received,
    closed,
    close: () => void response.destroy(),
    destroy: () => vanish(socket),
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    sendBytes: (bytes) => void socket.write(bytes),
    freeze: () => void response.pause(),
    closedWith: () => closedWith,
    feelsBeat: () => new Promise((resolve) => response.once('data', () => resolve())),
  }
}

function responseTo(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => get(url, { agent: false }, resolve).on('error', reject))
}
