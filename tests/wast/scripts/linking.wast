;; Instances that share functions, memories and tables; imports that fail; start functions.

(module $owner
  (memory (export "memory") 1 2)
  (table (export "table") 4 funcref)
  (elem (i32.const 0) $one)
  (data (i32.const 0) "owner")
  (func $one (result i32) (i32.const 1))
  (func (export "one") (result i32) (call $one))
  (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "size") (result i32) (memory.size)))
(register "owner" $owner)

(module $guest
  (import "owner" "memory" (memory 1))
  (import "owner" "table" (table 4 funcref))
  (import "owner" "one" (func $one (result i32)))
  (global $state (mut i32) (i32.const 100))
  (elem (i32.const 1) $mine $one)
  (data (i32.const 5) " and guest")
  (func $mine (result i32)
    (global.set $state (i32.add (global.get $state) (i32.const 1)))
    (global.get $state))
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "one more") (result i32) (i32.add (call $one) (i32.const 1)))
  (export "one again" (func $one)))

;; A function called through the shared table runs in the instance that it came from.
(assert_return (invoke $owner "call" (i32.const 0)) (i32.const 1))
(assert_return (invoke $owner "call" (i32.const 1)) (i32.const 101))
(assert_return (invoke $owner "call" (i32.const 1)) (i32.const 102))
(assert_return (invoke $owner "call" (i32.const 2)) (i32.const 1))
(assert_trap (invoke $owner "call" (i32.const 3)) "uninitialized element")
(assert_return (invoke "one more") (i32.const 2))
(assert_return (invoke "one again") (i32.const 1))

(assert_return (invoke $owner "load" (i32.const 5)) (i32.const 32))
(assert_return (invoke "load" (i32.const 0)) (i32.const 111))
(assert_return (invoke "store" (i32.const 0) (i32.const 33)))
(assert_return (invoke $owner "load" (i32.const 0)) (i32.const 33))

;; Growth by one instance is seen by the other.
(assert_trap (invoke $owner "load" (i32.const 65536)) "out of bounds memory access")
(assert_return (invoke "grow") (i32.const 1))
(assert_return (invoke $owner "size") (i32.const 2))
(assert_return (invoke $owner "load" (i32.const 65536)) (i32.const 0))
(assert_return (invoke "store" (i32.const 131071) (i32.const 44)))
(assert_return (invoke $owner "load" (i32.const 131071)) (i32.const 44))

(assert_unlinkable (module (import "nobody" "one" (func))) "unknown import")
(assert_unlinkable (module (import "owner" "two" (func))) "unknown import")
(assert_unlinkable (module (import "owner" "one" (func))) "incompatible import type")
(assert_unlinkable (module (import "owner" "one" (func (param i32) (result i32)))) "incompatible import type")
(assert_unlinkable (module (import "owner" "one" (global i32))) "incompatible import type")
(assert_unlinkable (module (import "owner" "memory" (memory 3))) "incompatible import type")
(assert_unlinkable (module (import "owner" "memory" (memory 1 1))) "incompatible import type")
(assert_unlinkable (module (import "owner" "memory" (table 1 funcref))) "incompatible import type")
(assert_unlinkable (module (import "owner" "table" (table 5 funcref))) "incompatible import type")
(assert_unlinkable (module (import "owner" "table" (table 4 8 funcref))) "incompatible import type")

;; A refused module has left nothing behind, whatever it had made before the import that failed.
(assert_unlinkable
  (module
    (import "owner" "memory" (memory 1))
    (import "owner" "nothing" (func))
    (data (i32.const 0) "x"))
  "unknown import")
(assert_return (invoke $owner "load" (i32.const 0)) (i32.const 33))

;; Segments are written in order, each checked when its turn comes.
(assert_uninstantiable
  (module
    (import "owner" "memory" (memory 1))
    (data (i32.const 1) "written")
    (data (i32.const 131072) "not")
    (data (i32.const 0) "never"))
  "out of bounds memory access")
(assert_return (invoke $owner "load" (i32.const 0)) (i32.const 33))
(assert_return (invoke $owner "load" (i32.const 1)) (i32.const 119))
(assert_uninstantiable
  (module
    (import "owner" "table" (table 4 funcref))
    (func $f (result i32) (i32.const 7))
    (elem (i32.const 3) $f $f))
  "out of bounds table access")
(assert_trap (invoke $owner "call" (i32.const 3)) "uninitialized element")

;; Start functions: they run once, at instantiation, after the segments; a trap leaves what was written.
(module
  (memory 1)
  (data (i32.const 0) "\05")
  (global $result (export "result") (mut i32) (i32.const 0))
  (func $start (global.set $result (i32.add (global.get $result) (i32.load8_u (i32.const 0)))))
  (start $start))
(assert_return (get "result") (i32.const 5))
(assert_return (get "result") (i32.const 5))
(assert_uninstantiable
  (module
    (import "owner" "memory" (memory 1))
    (func $start (i32.store8 (i32.const 2) (i32.const 99)) (unreachable))
    (start $start))
  "unreachable")
(assert_return (invoke $owner "load" (i32.const 2)) (i32.const 99))
(module
  (import "owner" "one" (func $one (result i32)))
  (global $result (export "result") (mut i32) (i32.const 0))
  (func $start (global.set $result (call $one)))
  (start $start))
(assert_return (get "result") (i32.const 1))
(assert_invalid (module (func $f (param i32)) (start $f)) "start function")
(assert_invalid (module (func $f (result i32) (i32.const 0)) (start $f)) "start function")
(assert_invalid (module (start 0)) "unknown function")

;; A name can be given to another instance; what is linked already stays as it is.
(module $other (func (export "one") (result i32) (i32.const 11)))
(register "owner" $other)
(module (import "owner" "one" (func (result i32))) (export "eleven" (func 0)))
(assert_return (invoke "eleven") (i32.const 11))
(assert_return (invoke $guest "one more") (i32.const 2))
