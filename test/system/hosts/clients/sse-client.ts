import { get, request as requestTo, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { CloseDetails, StreamReference } from 'stream-connection-manager'
import { commandOf } from './command.ts'
import { onEvent, pathOf } from './events.ts'
import { Inbox } from './inbox.ts'
import type { RecipeClient } from './recipe-client.ts'
import { vanish } from './vanish.ts'

/** Connects a client of server-sent events, over node:http. It names its streams in the URL. */
export async function connectSse(port: number, userId: string, streams: readonly StreamReference[]): Promise<RecipeClient> {
  const { client } = await openSse(port, userId, streams)
  return client
}

/** Connects a client of server-sent events that POSTs its commands, one after the other. */
export async function connectSsePost(port: number, userId: string, streams: readonly StreamReference[]): Promise<RecipeClient> {
  const { client, inbox } = await openSse(port, userId, [])
  const url = `http://127.0.0.1:${port}/?${new URLSearchParams({ user: userId, connection: inbox.connectionId })}`
  let isOver = false
  void client.closed.then(() => (isOver = true))
  let last: Promise<unknown> = Promise.resolve()
  const send = (body: string): void => void (last = last.then(() => (isOver ? undefined : post(url, body))))
  await inbox.subscribe(streams, send)
  return { ...client, ask: (request) => send(commandOf(request)), send }
}

async function openSse(port: number, userId: string, streams: readonly StreamReference[]): Promise<{ readonly client: RecipeClient; readonly inbox: Inbox }> {
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
  const client: RecipeClient = {
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
  return { client, inbox }
}

/** Resolves once there is an answer, or there will be none. */
function post(url: string, body: string): Promise<void> {
  return new Promise((resolve) => {
    const request = requestTo(url, { method: 'POST', agent: false }, (response) => response.resume().once('close', () => resolve()))
    request.once('error', () => resolve()).end(body)
  })
}

function responseTo(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => get(url, { agent: false }, resolve).on('error', reject))
}
