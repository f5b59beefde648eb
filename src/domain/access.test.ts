import { expect, test } from 'vitest';
import {
  mayAssign,
  mayAssignStaff,
  mayUseGrants,
  type PlatformRole,
  platformRoles,
  type TenantRole,
  tenantRoles,
} from './access.ts';

const inTenant = Object.keys(tenantRoles) as TenantRole[];
const onPlatform = Object.keys(platformRoles) as PlatformRole[];

test('only an owner makes or removes owners', () => {
  expect(inTenant.filter((role) => mayAssign(role, 'owner'))).toEqual(['owner']);
  expect(inTenant.filter((role) => mayAssign('owner', role))).toEqual(inTenant);
});

test('only a superadmin makes or removes superadmins', () => {
  expect(onPlatform.filter((role) => mayAssignStaff(role, 'superadmin'))).toEqual(['superadmin']);
  expect(onPlatform.filter((role) => mayAssignStaff('superadmin', role))).toEqual(onPlatform);
});

test('nobody raises himself: what may be given has no right that the giver lacks', () => {
  for (const by of inTenant) {
    for (const role of inTenant.filter((other) => mayAssign(by, other))) {
      const rights: readonly string[] = tenantRoles[by];
      expect(tenantRoles[role].filter((scope) => !rights.includes(scope))).toEqual([]);
    }
  }
});

test('grants are used by those who may make them', () => {
  expect(onPlatform.filter(mayUseGrants)).toEqual(['superadmin', 'support']);
  expect(mayUseGrants(undefined)).toBe(false);
});
