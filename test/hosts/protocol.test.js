import './protocol-tests.ts'
