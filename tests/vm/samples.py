"""Modules that several tests load: one of everything, and the pieces they are cut into."""

from __future__ import annotations

from tests.vm.machine import wat

#: Whole in place, one byte at a time, seven bytes, three random cuts.
PIECES = [0, 1, 7, -1, -2, -3]

#: Every section this build knows, long names, functions with many parameters, results and locals.
EVERYTHING = wat("""
(module $everything
  (type $handler (func (param i32 i32 i32)))
  (type $many (func (param i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32
                           f64 i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64) (result i64 i32)))
  (import "test" "log" (func $log (param i32)))
  (import "test" "add64" (func $add64 (param i64 i64) (result i64)))
  (memory (export "memory") 1 3)
  (table (export "table") 8 16 funcref)
  (global $counter (export "counter") (mut i32) (i32.const 0))
  (global $wide (export "wide") (mut i64) (i64.const -81985529216486896))
  (global (export "ratio") f32 (f32.const 0.1))
  (global (export "fine") f64 (f64.const -0.1))
  (export "a name that is longer than what the loader carries over between two pieces, \\c3\\a4\\e2\\82\\ac"
    (func $sum))
  (func $sum (export "sum") (param i32) (result i32)
    (local i32 i64 f64)
    (loop $again
      (local.set 1 (i32.add (local.get 1) (local.get 0)))
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br_if $again (local.get 0)))
    (local.get 1))
  (func $many (export "many") (type $many)
    (call $add64 (local.get 1) (local.get 37)) (local.get 36))
  (func (export "pick") (param i32) (result i32)
    (block $a (block $b (block $c (br_table $a $b $c $a $b $c $a $b $c $a $b $c $a $b $c $a $b $c $a (local.get 0)))
      (return (i32.const 30))) (return (i32.const 20))) (i32.const 10))
  (func (export "indirect") (param i32 i32) (result i32)
    (call_indirect (param i32) (result i32) (local.get 0) (local.get 1)))
  (func $start (global.set $counter (i32.load8_u (i32.const 5))) (call $log (i32.const 77)))
  (start $start)
  (elem (i32.const 2) $sum $sum)
  (data (i32.const 0) "0123456789")
  (data (i32.const 65526) "0123456789"))
""")
