import { describe, expect, it } from 'vitest';
import { approvalStanding } from './approval.js';

const approval = (approver: string, restoredFrom: number | null = null) => ({
  id: approver,
  approver,
  approvedAt: '2026-01-01T00:00:00Z',
  comment: '',
  failedProof: false,
  restoredFrom,
});
const DRAFT = { approvalRequired: true, changedBy: ['ada'], approvals: [] };
const ada = { userName: 'ada', role: 'admin', breakGlass: false } as const;
const bob = { userName: 'bob', role: 'approver', breakGlass: false } as const;

describe('approvalStanding', () => {
  it('is closed until somebody else than the reader has approved', () => {
    expect(approvalStanding(DRAFT, null, ada).open).toBe(false);
    const byBob = { ...DRAFT, approvals: [approval('bob')] };
    expect(approvalStanding(byBob, null, ada).open).toBe(true);
    expect(approvalStanding(byBob, null, bob)).toMatchObject({ open: false, cannot: 'approved' });
  });

  it('is open where no approval is needed', () => {
    expect(approvalStanding({ ...DRAFT, approvalRequired: false }, null, ada).open).toBe(true);
  });

  it('is open to who broke the glass, who approves nothing', () => {
    const rescuer = { ...bob, breakGlass: true };
    expect(approvalStanding(DRAFT, null, rescuer)).toMatchObject({ open: true, cannot: 'break_glass' });
  });

  it('knows which is the one that the reader can take back', () => {
    const byBoth = { ...DRAFT, approvals: [approval('bob'), approval('eve'), approval('bob', 3)] };
    expect(approvalStanding(byBoth, null, bob).own).toEqual(approval('bob'));
    expect(approvalStanding(byBoth, 3, bob).own).toEqual(approval('bob', 3));
    expect(approvalStanding(byBoth, null, ada).own).toBeUndefined();
    expect(approvalStanding(DRAFT, null, bob).own).toBeUndefined();
  });

  it('says why the reader cannot approve', () => {
    expect(approvalStanding(DRAFT, null, ada).cannot).toBe('own_change');
    expect(approvalStanding(DRAFT, null, bob).cannot).toBeUndefined();
    expect(approvalStanding(DRAFT, null, { ...bob, role: 'operator' }).cannot).toBe('role');
  });

  it('keeps drafts and restorations apart: who changed the draft may approve that it is lost', () => {
    const ofBoth = { ...DRAFT, approvals: [approval('bob'), approval('eve', 3)] };
    expect(approvalStanding(ofBoth, 3, ada)).toMatchObject({ approvals: [approval('eve', 3)], cannot: undefined });
    expect(approvalStanding(ofBoth, 2, ada)).toMatchObject({ approvals: [], open: false });
  });
});
