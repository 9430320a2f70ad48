import { fileURLToPath } from 'node:url'
import { ChildProgram } from '../../chaos/child-program.ts'
import { addExample, newCounts, sumOf, type Counts, type Examples } from './counts.ts'
import type { ClientsReport, FromClients, Published, ToClients } from './messages.ts'

const PROGRAM = fileURLToPath(new URL('./clients.ts', import.meta.url))
const CLIENTS_PER_PROCESS = 4_000
const FEWEST_PROCESSES = 2

/** What all processes of clients say together. */
export type CrowdReport = ClientsReport

/** All clients, in a few processes of some thousand each. */
export class Crowds {
  report: CrowdReport = { counts: newCounts(), examples: {}, settled: 0, waiting: 0 }
  readonly #programs: readonly ChildProgram<ToClients, FromClients>[]
  readonly #clients: number

  /** @param paused gets each client that has stopped reading */
  constructor(clients: number, paused: (message: Extract<FromClients, { type: 'paused' }>) => void) {
    this.#clients = clients
    const processes = Math.max(FEWEST_PROCESSES, Math.ceil(clients / CLIENTS_PER_PROCESS))
    const hear = (message: FromClients): void => void (message.type === 'paused' && paused(message))
    this.#programs = Array.from({ length: processes }, () => new ChildProgram<ToClients, FromClients>(PROGRAM, 'A process of clients', hear, process.execArgv))
  }

  get processCount(): number {
    return this.#programs.length
  }

  get unhandled(): string[] {
    return this.#programs.flatMap(({ unhandled }) => unhandled)
  }

  /** Lets the clients arrive, so many a second. A client that leaves comes back after at most `mostAwayMs`. */
  begin(urls: readonly string[], { seed, arrivalsPerSecond, mostAwayMs }: { readonly seed: number; readonly arrivalsPerSecond: number; readonly mostAwayMs: number }): void {
    const all = Array.from({ length: this.#clients }, (_, number) => number)
    for (const [part, program] of this.#programs.entries()) {
      const numbers = all.filter((number) => number % this.#programs.length === part)
      program.tell({ type: 'begin', urls, numbers, clients: this.#clients, mostAwayMs, seed: seed + part, arrivalsPerSecond: arrivalsPerSecond / this.#programs.length })
    }
  }

  live(churnPercentPerMinute: number): void {
    this.#tell({ type: 'live', churnPercentPerMinute })
  }

  rest(): void {
    this.#tell({ type: 'rest' })
  }

  conclude(published: readonly Published[]): void {
    this.#tell({ type: 'final', published })
  }

  /** Asks all processes. */
  async look(): Promise<CrowdReport> {
    const reports = await Promise.all(this.#programs.map((program) => program.ask({ type: 'report' }, 'report')))
    const total = (count: (report: ClientsReport) => number): number => reports.reduce((sum, report) => sum + count(report), 0)
    this.report = {
      counts: sumOf(reports.map(({ counts }) => counts)) satisfies Counts,
      examples: examplesIn(reports),
      settled: total(({ settled }) => settled),
      waiting: total(({ waiting }) => waiting),
    }
    return this.report
  }

  async end(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.kill()))
  }

  #tell(message: ToClients): void {
    for (const program of this.#programs) program.tell(message)
  }
}

function examplesIn(reports: readonly ClientsReport[]): Examples {
  const all: Examples = {}
  for (const { examples } of reports) {
    for (const [kind, faults] of Object.entries(examples)) faults.forEach((fault) => addExample(all, kind as keyof Counts, fault))
  }
  return all
}
