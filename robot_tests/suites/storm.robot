*** Settings ***
Documentation       Ten thousand interrupts, as fast as the board can raise them.
Resource            ${KEYWORDS}
Suite Setup         Start Board
Suite Teardown      Stop Board
Test Teardown       Save Console
Test Tags           irq    needs-link


*** Test Cases ***
A Storm Neither Loses A Raise Nor Changes A Result
    Load Program    storm
    Raise Irq    soft0    count=10000    every_us=20
    Start App
    Wait For Line On Uart    undisturbed, handled 10000    timeout=30s
    Result Should Be    0
    Irq Should Have Been Raised    soft0    10000
    Irq Should Have Been Delivered    soft0    at_least=2
    Irq Should Not Have Been Missed    soft0

The Board Answers During A Storm
    Load Program    storm
    Raise Irq    soft0    count=9999    every_us=20
    Start App
    Wait For Line On Uart    computing
    Irq Should Have Been Delivered    soft0    at_least=0
    Raise Irq    soft0
    Wait For Line On Uart    undisturbed, handled 10000    timeout=30s
    Result Should Be    0
