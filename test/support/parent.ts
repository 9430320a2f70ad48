/** Sends a message to the process that started this one. */
export function tellParent(message: object): void {
  process.send?.(message)
}

/** Carries out what the process that started this one says, reports what nothing catches, and ends when that process has gone. */
export function obeyParent<TMessage>(obey: (message: TMessage) => unknown): void {
  for (const event of ['unhandledRejection', 'uncaughtException']) {
    process.on(event, (error: unknown) => tellParent({ type: 'unhandled', error: String((error as Error)?.stack ?? error) }))
  }
  process.on('message', (message: TMessage) => void obey(message))
  process.on('disconnect', () => process.exit(1))
}
