import { describe, it } from 'bun:test'
import { libraryTests } from './library-tests.ts'
import { moduleTests } from './module-tests.ts'

moduleTests({ describe, it })
libraryTests({ describe, it })
