import type { Readable } from 'node:stream'

/** Calls back with each line that comes. Unlike those of node:readline, lines do not end at U+2028. */
export function onLine(readable: Readable, lineEnd: RegExp, take: (line: string) => void): void {
  let rest = ''
  readable.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split(lineEnd)
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
  })
}
