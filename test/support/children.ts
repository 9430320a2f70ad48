import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

const children = new Set<ChildProcess>()

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

// A stopped process does not notice that this one has gone.
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** Starts a program in a process of its own, which does not outlive this one. `execArgv` are options for Node. */
export function start(program: string, execArgv: readonly string[] = []): ChildProcess {
  return own(fork(program, { execArgv: [...execArgv] }))
}

/** Ends a process at the latest when this one ends. Returns it. */
export function own(child: ChildProcess): ChildProcess {
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

/** Ends a process, by default at once, and settles when it is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}
