import { fork, type ChildProcess } from 'node:child_process'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { BusPort } from '../../../src/backplanes/memory/index.ts'

const WORKER = new URL('worker.js', import.meta.url)

/** A node in another thread or process. */
export interface Elsewhere {
  readonly port: BusPort
  tell(message: object): void
  /** Ends it without a word. */
  kill(): Promise<unknown>
}

export function inThread(): Elsewhere {
  const worker = new Worker(WORKER)
  return { port: worker, tell: (message) => worker.postMessage(message), kill: () => worker.terminate() }
}

function ofProcess(child: ChildProcess, port: BusPort = child): Elsewhere {
  const kill = (): Promise<unknown> => {
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    return exit
  }
  return { port, tell: (message) => void child.send(message), kill }
}

export function inChild(): Elsewhere {
  return ofProcess(fork(WORKER, { execArgv: [] }))
}

export function inClusterWorker(): Elsewhere {
  cluster.setupPrimary({ exec: fileURLToPath(WORKER), execArgv: [] })
  const worker = cluster.fork()
  return ofProcess(worker.process, worker)
}

/** What a node elsewhere tells. */
export class Inbox {
  readonly texts: string[] = []
  isReady = false

  constructor(port: BusPort) {
    port.on('message', (message) => {
      const { text, isReady } = message as { readonly text?: string; readonly isReady?: boolean }
      if (text !== undefined) this.texts.push(text)
      this.isReady ||= isReady === true
    })
  }
}
