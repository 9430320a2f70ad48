import type { BackplaneTrial } from './trial.ts'

const SUBJECT = 'ZGVzaw.c.UFJJQ0U.QlRD.-'

/** Once `close` has settled, the driver delivers no message and reports no status. */
export async function fallsSilent(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  await b.subscribe(SUBJECT)
  for (let i = 0; i < 100; i++) a.publish(SUBJECT, 'on its way')
  await b.close()
  const [received, statuses] = [b.received.length, b.statuses.length]
  a.publish(SUBJECT, 'late')
  await a.fence(a)
  await trial.pause()
  if (b.received.length > received) throw new Error(`Expected that ${b.name} receives nothing once \`close\` has settled, but it received ${b.received.length - received} texts`)
  if (b.statuses.length > statuses) throw new Error(`Expected that ${b.name} reports nothing once \`close\` has settled, but it reported ${String(b.isUp)}`)
}

/** The application's own client stays open, because the application uses it for other things. */
export async function leavesTheClientOpen(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  await b.subscribe(SUBJECT)
  await b.use()
  await b.close()
  await b.use()
  await a.fence(a)
}

/** `close` does not wait for the broker. */
export async function closesWhileFrozen(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  await trial.broker('freeze')
  a.publish(SUBJECT, 'on its way')
  await b.close()
  await a.close()
  await trial.broker('thaw')
}

export async function closesWhileGone(trial: BackplaneTrial): Promise<void> {
  const [a, b] = await trial.start()
  await trial.broker('kill')
  await a.close()
  await b.reports(false)
  await b.close()
}
