import type { PlatformRole, TenantRole } from './access.ts';

/** A circle of people and their roles: who works for a tenant, or who runs the platform. */
export type Role = TenantRole | PlatformRole;

export const invitationDays = 7;

/** So that nobody makes Kassa write to the whole world. */
export const maxOpenInvitations = 50;

export const grantMinutes = { min: 5, max: 240 };

/** The owners who are told of a grant: more than any team has, and a limit. */
export const maxOwnersTold = 100;
