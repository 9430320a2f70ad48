import { ConnectionManagerError } from '../errors.ts'

/** Says whether a manager is open: whether it still takes calls that add something. Once closed, it stays closed. */
export class Gate {
  isClosed = false

  /** @throws `ERR_CLOSED` */
  assertOpen(): void {
    if (this.isClosed) throw this.refusal()
  }

  /** Returns the error for calls to a closed manager. */
  refusal(): ConnectionManagerError {
    return new ConnectionManagerError('ERR_CLOSED', 'This connection manager is closed')
  }
}
