import { ConnectionManagerError } from '../errors.ts'

/** Knows whether a manager is closed. A closed manager stays closed, and refuses every call that adds state or sends messages. */
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
