/** The accounts of the demo. They are public: the sign-in form shows them. */
export const DEMO_ACCOUNTS = [
  { id: 'ada', name: 'Ada', password: 'engine' },
  { id: 'alan', name: 'Alan', password: 'enigma' },
  { id: 'grace', name: 'Grace', password: 'compiler' },
  { id: 'hedy', name: 'Hedy', password: 'spectrum' },
  { id: 'katherine', name: 'Katherine', password: 'orbit' },
  { id: 'radia', name: 'Radia', password: 'spanning' },
] as const;
