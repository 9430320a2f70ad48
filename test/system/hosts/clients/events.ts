import type { Readable } from 'node:stream'
import type { StreamReference } from 'stream-connection-manager'
import { commandOf } from './command.ts'
import { onLine } from './lines.ts'

/** The path at which a client of server-sent events asks for these streams. */
export function pathOf(userId: string, streams: readonly StreamReference[]): string {
  const commands = streams.map((stream) => commandOf({ action: 'subscribe', stream }))
  return `/?${new URLSearchParams({ user: userId, commands: `[${commands}]` })}`
}

/** A CR at the end of what came may be half of a line end. */
const LINE_END = /\r\n|\n|\r(?!$)/

/** Calls back with the data, and the type if it has one, of each event of a response, as an EventSource would. */
export function onEvent(response: Readable, take: (data: string, type: string | undefined) => void): void {
  let data: string[] = []
  let type: string | undefined
  onLine(response, LINE_END, (line) => {
    if (line === '' && data.length > 0) {
      take(data.join('\n'), type)
      data = []
      type = undefined
    } else if (line.startsWith('event: ')) type = line.slice(7)
    else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
  })
}
