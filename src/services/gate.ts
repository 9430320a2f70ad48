import { ConnectionManagerError } from '../errors.ts'

/** Whether a manager still takes calls that add something. It closes once, for good. */
export class Gate {
  isClosed = false

  /** @throws `ERR_CLOSED` */
  assertOpen(): void {
    if (this.isClosed) throw this.refusal()
  }

  /** What a call is refused with once the manager is closed. */
  refusal(): ConnectionManagerError {
    return new ConnectionManagerError('ERR_CLOSED', 'This connection manager is closed')
  }

  /** Reads what a caller gave. That may run the caller's code, so the manager must be open before it and after it. */
  read<TRead>(reader: () => TRead): TRead {
    this.assertOpen()
    const read = reader()
    this.assertOpen()
    return read
  }
}
