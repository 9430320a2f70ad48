import { ErrorReports } from '../guards/error-reports.ts'
import { disown } from '../guards/user-code.ts'

/** Tells the host which clients could not be accepted, and why. */
export class Faults extends ErrorReports {
  constructor(onError: ((error: unknown) => unknown) | undefined) {
    super(onError, 'hosts', 'accepting a client')
  }

  /** Tells of the fault that a client was refused for, if it was for one. */
  tellOf({ fault }: { readonly fault?: { readonly error: unknown } | undefined }): void {
    if (fault !== undefined) this.tell(fault.error)
  }

  /** Uses a socket, and ignores its errors, because the socket may have gone. */
  static attempt(act: () => unknown): void {
    try {
      disown(act())
    } catch {
      // The socket's own events tell what became of it.
    }
  }
}
