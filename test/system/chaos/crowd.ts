import type { ChildProcess } from 'node:child_process'
import { end, start } from '../../support/children.ts'
import type { ClientRecord, ToClients } from './messages.ts'
import type { Persona } from './streams.ts'

interface ClientProcess {
  readonly process: ChildProcess
  readonly personas: readonly Persona[]
  readonly clients: readonly number[]
}

/** A time in which a process of clients was asleep. Milliseconds of the time of day. */
export interface Sleep {
  readonly clients: readonly number[]
  readonly fromMs: number
  untilMs: number
}

/** The clients, in some processes, each of which can be put to sleep. */
export class Crowd {
  readonly sleeps: Sleep[] = []
  readonly unhandled: string[] = []
  readonly #processes: ClientProcess[]

  constructor(program: string, all: readonly Persona[], processCount: number, hear: (record: ClientRecord) => void) {
    this.#processes = Array.from({ length: processCount }, (_, part) => {
      const child = start(program)
      child.on('message', (records: ClientRecord[]) => records.forEach(hear))
      child.once('exit', (code, signal) => {
        if (signal !== 'SIGKILL') this.unhandled.push(`A process of clients ended by itself (${signal ?? `exit code ${code}`})`)
      })
      const personas = all.filter(({ number }) => number % processCount === part)
      return { process: child, personas, clients: personas.map(({ number }) => number) }
    })
  }

  begin(url: string, seed: number): void {
    this.#processes.forEach(({ process, personas }, part) => tell(process, { type: 'begin', url, clients: personas, seed: seed + part }))
  }

  /** A client is given this token when it asks for a new one. */
  issue(client: number, token: number): void {
    for (const { process, clients } of this.#processes) if (clients.includes(client)) tell(process, { type: 'issue', client, token })
  }

  /** The clients of a user may have a stream again. */
  grant(userId: string, key: string): void {
    for (const { process } of this.#processes) tell(process, { type: 'grant', userId, key })
  }

  /** Puts the clients of one process to sleep. */
  sleep(part: number): Sleep {
    const { process, clients } = this.#processes[part % this.#processes.length] as ClientProcess
    const sleep = { clients, fromMs: Date.now(), untilMs: Infinity }
    this.sleeps.push(sleep)
    process.kill('SIGSTOP')
    return sleep
  }

  wake(sleep: Sleep): void {
    sleep.untilMs = Date.now()
    for (const { process, clients } of this.#processes) if (clients === sleep.clients) process.kill('SIGCONT')
  }

  close(): void {
    for (const { process } of this.#processes) tell(process, { type: 'close' })
  }

  async end(): Promise<void> {
    await Promise.all(this.#processes.map(({ process }) => end(process)))
  }
}

function tell(child: ChildProcess, message: ToClients): void {
  if (child.connected) child.send(message, () => {})
}
